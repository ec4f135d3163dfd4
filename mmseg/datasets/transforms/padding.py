"""Padding at the bottom and right (docs/methods/pipelines.md)."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.transforms.base import Results, Transform
from mmseg.errors import ConfigError
from mmseg.registry import TRANSFORMS


def pad_to(array: NDArray[Any], size: tuple[int, int], value: float) -> NDArray[Any]:
    """Extend a map (H, W, ...) at the bottom and right to ``size`` (h, w); a map of that size is returned."""
    bottom, right = size[0] - array.shape[0], size[1] - array.shape[1]
    if bottom <= 0 and right <= 0:
        return array
    widths = ((0, max(bottom, 0)), (0, max(right, 0)), *((0, 0) for _ in array.shape[2:]))
    return np.pad(array, widths, constant_values=value)


@TRANSFORMS.register_module()
class Pad(Transform):
    """Pad at the bottom and right to a fixed size or to the next multiple of a number.

    Args:
        size: (h, w); larger pictures stay as they are.
        size_divisor: alternatively, pad both edges to a multiple of it.
        pad_val: value for the picture (after Normalize, 0 is the mean colour).
        seg_pad_val: value for label maps. Quirk: also for the mask of valid pseudo-labels
            (docs/methods/datasets.md#pseudo-label-margins).
    """

    touches_labels: ClassVar[bool] = True

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        size_divisor: int | None = None,
        pad_val: float = 0,
        seg_pad_val: int = 255,
    ) -> None:
        if (size is None) == (size_divisor is None):
            raise ConfigError('Pad: give either size (height, width) or size_divisor, not both.')
        if min(size or (size_divisor or 0,)) < 1:
            raise ConfigError(
                f'Pad: found size={size}, size_divisor={size_divisor}; expected positive numbers.'
            )
        self.size = None if size is None else (int(size[0]), int(size[1]))
        self.size_divisor = size_divisor
        self.pad_val = pad_val
        self.seg_pad_val = seg_pad_val

    def apply(self, results: Results, drawn: Any) -> Results:
        """Pad; sets pad_shape, pad_fixed_size, pad_size_divisor; ``drawn`` is not used."""
        size = self.size or self._next_multiple(results['img'].shape[:2])
        results['img'] = pad_to(results['img'], size, self.pad_val)
        for name in results['seg_fields']:
            results[name] = pad_to(results[name], size, self.seg_pad_val)
        results.update(
            pad_shape=results['img'].shape, pad_fixed_size=self.size, pad_size_divisor=self.size_divisor
        )
        return results

    def _next_multiple(self, shape: tuple[int, int]) -> tuple[int, int]:
        divisor = self.size_divisor or 1
        return -(-shape[0] // divisor) * divisor, -(-shape[1] // divisor) * divisor
