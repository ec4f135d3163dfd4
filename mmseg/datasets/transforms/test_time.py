"""Scales and flips at test time (docs/methods/pipelines.md#multiscaleflipaug)."""

from collections.abc import Sequence
from itertools import product
from typing import Any

from mmseg.datasets.random import Rng
from mmseg.datasets.transforms.base import Results, Transform
from mmseg.datasets.transforms.geometry import DIRECTIONS, Scale, as_scales
from mmseg.datasets.transforms.pipeline import Pipeline
from mmseg.errors import ConfigError
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MultiScaleFlipAug(Transform):
    """Run the inner steps for every scale, flip and direction, and return a dict of lists in that order.

    Args:
        transforms: the inner steps.
        img_scale: (w, h) or a list of them; None takes the picture's own size.
        img_ratios: factors on ``img_scale``; the results are truncated.
        flip: also run with ``flip`` set.
        flip_direction: 'horizontal', 'vertical' or a list of them.
    """

    def __init__(
        self,
        transforms: Sequence[dict[str, Any]],
        img_scale: tuple[int, int] | Sequence[tuple[int, int]] | None = None,
        img_ratios: float | Sequence[float] | None = None,
        flip: bool = False,
        flip_direction: str | Sequence[str] = 'horizontal',
    ) -> None:
        self.pipeline = Pipeline(transforms)
        self.scales = as_scales(img_scale)
        self.ratios = [img_ratios] if isinstance(img_ratios, int | float) else img_ratios
        self.flips = (False, True) if flip else (False,)
        self.directions = [flip_direction] if isinstance(flip_direction, str) else list(flip_direction)
        if any(min(scale) < 1 for scale in self.scales) or (self.ratios and min(self.ratios) <= 0):
            raise ConfigError(
                f'MultiScaleFlipAug: found img_scale={img_scale}, img_ratios={img_ratios}; expected positive numbers.'
            )
        if len(self.scales) > 1 and self.ratios:
            raise ConfigError('MultiScaleFlipAug: img_ratios need a single img_scale. Drop one of the two.')
        if unknown := [name for name in self.directions if name not in DIRECTIONS]:
            raise ConfigError(f'MultiScaleFlipAug: flip_direction {unknown}; expected one of {DIRECTIONS}.')

    def test_scales(self, height: int, width: int) -> list[Scale]:
        """The scales (w, h) for a picture of this size."""
        scales = self.scales or [(width, height)]
        if not self.ratios:
            return scales
        return [(int(w * ratio), int(h * ratio)) for ratio in self.ratios for w, h in scales]

    def draw(self, results: Results, rng: Rng) -> Rng:
        """The source of randomness itself: the inner steps draw for themselves."""
        return rng

    def apply(self, results: Results, drawn: Rng) -> Results:
        """Dict of lists, one entry a version of the picture."""
        outputs = []
        scales = self.test_scales(*results['img'].shape[:2])
        for scale, flip, direction in product(scales, self.flips, self.directions):
            version = {**results, 'scale': scale, 'flip': flip, 'flip_direction': direction}
            version['seg_fields'] = list(results['seg_fields'])
            outputs.append(self.pipeline(version, drawn))
        return {key: [output[key] for output in outputs] for key in outputs[0]}
