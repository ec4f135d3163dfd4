"""Steps that turn results into tensors and pick what is handed on (docs/methods/pipelines.md)."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmseg.datasets.transforms.base import Results, Transform
from mmseg.errors import ConfigError
from mmseg.registry import TRANSFORMS

META_KEYS = (
    'filename',
    'ori_filename',
    'ori_shape',
    'img_shape',
    'pad_shape',
    'scale_factor',
    'flip',
    'flip_direction',
    'img_norm_cfg',
)


def image_tensor(image: NDArray[Any]) -> Tensor:
    """(H, W, 3), or (H, W), as a contiguous tensor (3, H, W), or (1, H, W), of the same type."""
    if image.ndim < 3:
        image = image[..., None]
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


@TRANSFORMS.register_module()
class DefaultFormatBundle(Transform):
    """Tensors: ``img`` (3, H, W), ``gt_semantic_seg`` and ``valid_pseudo_mask`` uint8 (1, H, W)."""

    touches_labels: ClassVar[bool] = True

    def apply(self, results: Results, drawn: Any) -> Results:
        """Convert what is there; ``drawn`` is not used."""
        if 'img' in results:
            results['img'] = image_tensor(results['img'])
        if 'gt_semantic_seg' in results:
            results['gt_semantic_seg'] = image_tensor(results['gt_semantic_seg'])
        if 'valid_pseudo_mask' in results:
            results['valid_pseudo_mask'] = image_tensor(results['valid_pseudo_mask'])
        return results


@TRANSFORMS.register_module()
class ImageToTensor(Transform):
    """Pictures (H, W, 3) to tensors (3, H, W).

    Args:
        keys: names of the pictures.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = list(keys)

    def apply(self, results: Results, drawn: Any) -> Results:
        """Convert the named pictures; ``drawn`` is not used."""
        for key in self.keys:
            results[key] = image_tensor(results[key])
        return results


@TRANSFORMS.register_module()
class Collect(Transform):
    """Keep the named values and ``img_metas``, a dict of the facts about the picture.

    Args:
        keys: what to keep.
        meta_keys: which facts.
    """

    def __init__(self, keys: Sequence[str], meta_keys: Sequence[str] = META_KEYS) -> None:
        self.keys = list(keys)
        self.meta_keys = tuple(meta_keys)

    def apply(self, results: Results, drawn: Any) -> Results:
        """Return a new dict; ``drawn`` is not used."""
        missing = [key for key in (*self.keys, *self.meta_keys) if key not in results]
        if missing:
            raise ConfigError(
                f'Collect: {", ".join(missing)} missing at the end of the pipeline; found '
                f'{", ".join(sorted(results))}. Add the step that makes it (LoadAnnotations, RandomFlip, '
                'Normalize, ...) or change the keys.'
            )
        kept = {key: results[key] for key in self.keys}
        kept['img_metas'] = {key: results[key] for key in self.meta_keys}
        return kept
