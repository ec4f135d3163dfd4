"""Steps that move pixels: Resize, RandomCrop, RandomFlip, Pad (docs/methods/pipelines.md)."""

from collections.abc import Sequence
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.random import Rng
from mmseg.datasets.transforms.base import Results, Transform
from mmseg.errors import ConfigError
from mmseg.registry import TRANSFORMS

Scale = tuple[int, int]
Box = tuple[int, int, int, int]
CROP_ATTEMPTS = 10
EXACT_COUNTS = 2**24
"""OpenCV counts in float32, which is exact below this."""

DIRECTIONS = ('horizontal', 'vertical')


def fitted_size(height: int, width: int, scale: Scale) -> tuple[int, int]:
    """(width, height) of the largest picture of the same shape within ``scale``, in either orientation; at least 1."""
    factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
    return max(int(width * factor + 0.5), 1), max(int(height * factor + 0.5), 1)


def draw_scale(scales: Sequence[Scale], mode: str, ratio_range: Sequence[float] | None, rng: Rng) -> Scale:
    """The scale (w, h) for one picture: see :class:`Resize`."""
    if ratio_range is not None:
        low, high = ratio_range
        ratio = rng.random() * (high - low) + low
        return int(scales[0][0] * ratio), int(scales[0][1] * ratio)
    if len(scales) == 1:
        return scales[0]
    if mode == 'value':
        return scales[int(rng.integers(0, len(scales)))]
    longs, shorts = [max(scale) for scale in scales], [min(scale) for scale in scales]
    long_edge = int(rng.integers(min(longs), max(longs) + 1))
    return long_edge, int(rng.integers(min(shorts), max(shorts) + 1))


@TRANSFORMS.register_module()
class Resize(Transform):
    """Resize the picture (bilinear) and every label map (nearest).

    Label maps get the size of the resized picture, whatever their own.

    Args:
        img_scale: (w, h), or a list of them.
        multiscale_mode: with several scales, 'range' draws the long and the short edge between the extremes
            (inclusive), 'value' draws one of the scales.
        ratio_range: draw a factor between these two for the single scale; the result is truncated.
        keep_ratio: fit into the scale instead of filling it.
        override_scale: ignore ``results['scale']``, which test-time augmentation sets.
    """

    touches_labels: ClassVar[bool] = True

    def __init__(
        self,
        img_scale: tuple[int, int] | Sequence[tuple[int, int]] | None = None,
        multiscale_mode: str = 'range',
        ratio_range: tuple[float, float] | None = None,
        keep_ratio: bool = True,
        override_scale: bool = False,
    ) -> None:
        self.scales = as_scales(img_scale)
        if multiscale_mode not in ('range', 'value'):
            raise ConfigError(f"Resize: multiscale_mode is {multiscale_mode!r}; expected 'range' or 'value'.")
        if len(self.scales) > 2 and multiscale_mode == 'range':
            raise ConfigError(f"Resize: 'range' takes two scales, found {len(self.scales)}; use 'value'.")
        if any(min(scale) < 1 for scale in self.scales):
            raise ConfigError(f'Resize: img_scale is {img_scale}; expected positive numbers (width, height).')
        if ratio_range is not None and not 0 < ratio_range[0] <= ratio_range[1]:
            raise ConfigError(f'Resize: ratio_range is {ratio_range}; expected (smallest, largest) above 0.')
        self.mode = multiscale_mode
        self.ratio_range = ratio_range
        self.keep_ratio = keep_ratio
        self.override_scale = override_scale

    @property
    def random(self) -> bool:
        """True with several scales or a range of ratios."""
        return self.ratio_range is not None or len(self.scales) > 1

    def draw(self, results: Results, rng: Rng) -> Scale:
        """The scale (w, h) to use."""
        if 'scale' in results and not self.override_scale:
            return results['scale']
        scales = self.scales
        if not scales:
            if self.ratio_range is None:
                raise ConfigError('Resize: img_scale is missing. Give (width, height), or ratio_range.')
            height, width = results['img'].shape[:2]
            scales = [(width, height)]
        return draw_scale(scales, self.mode, self.ratio_range, rng)

    def apply(self, results: Results, drawn: Scale) -> Results:
        """Resize to the drawn scale; sets img_shape, pad_shape, scale_factor, keep_ratio."""
        height, width = results['img'].shape[:2]
        size = fitted_size(height, width, drawn) if self.keep_ratio else (int(drawn[0]), int(drawn[1]))
        image = cv2.resize(results['img'], size, interpolation=cv2.INTER_LINEAR)
        for name in results['seg_fields']:
            results[name] = cv2.resize(results[name], size, interpolation=cv2.INTER_NEAREST)
        factors = (size[0] / width, size[1] / height)
        results.update(
            img=image,
            img_shape=image.shape,
            pad_shape=image.shape,
            scale=drawn,
            scale_factor=np.array(factors * 2, dtype=np.float32),
            keep_ratio=self.keep_ratio,
        )
        return results


def as_scales(img_scale: Sequence[Any] | None) -> list[Scale]:
    """(w, h) or a list of them, tuples or lists (JSON), as a list of tuples."""
    if img_scale is None:
        return []
    if len(img_scale) == 2 and all(np.isscalar(value) for value in img_scale):
        return [(int(img_scale[0]), int(img_scale[1]))]
    return [(int(width), int(height)) for width, height in img_scale]


def draw_offset(shape: tuple[int, int], crop_size: tuple[int, int], rng: Rng) -> Box:
    """A window (y1, y2, x1, x2) of ``crop_size`` (h, w) within ``shape`` (H, W); row drawn first."""
    top = int(rng.integers(0, max(shape[0] - crop_size[0], 0) + 1))
    left = int(rng.integers(0, max(shape[1] - crop_size[1], 0) + 1))
    return top, top + crop_size[0], left, left + crop_size[1]


def crop(array: NDArray[Any], box: Box) -> NDArray[Any]:
    """The window of a map (H, W, ...); a view, smaller where the window sticks out."""
    return array[box[0] : box[1], box[2] : box[3]]


def is_varied(label: NDArray[np.uint8], cat_max_ratio: float, ignore_index: int = 255) -> bool:
    """Whether a label map has more than one class and none with the share ``cat_max_ratio`` or more.

    Shares are of the pixels that are not ignored. Source: docs/methods/pipelines.md#randomcrop.
    """
    counts = count_ids(label)
    counts[ignore_index] = 0
    return bool((counts > 0).sum() > 1 and counts.max() / counts.sum() < cat_max_ratio)


def count_ids(label: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pixels of each id 0..255 in a map (H, W)."""
    if label.size >= EXACT_COUNTS:
        return np.bincount(label.ravel(), minlength=256)
    return cv2.calcHist([label], [0], None, [256], [0, 256]).ravel().astype(np.int64)


@TRANSFORMS.register_module()
class RandomCrop(Transform):
    """Cut a random window.

    Args:
        crop_size: (h, w). A smaller picture is kept whole in that direction.
        cat_max_ratio: below 1, up to ten windows are checked for more than one class and the largest share
            below
            this; the last one drawn is used unchecked.
        ignore_index: id that takes no part in the check.
    """

    touches_labels: ClassVar[bool] = True

    def __init__(
        self, crop_size: tuple[int, int], cat_max_ratio: float = 1.0, ignore_index: int = 255
    ) -> None:
        if len(crop_size) != 2 or min(crop_size) <= 0:
            raise ConfigError(
                f'RandomCrop: crop_size is {crop_size}; expected two positive numbers (height, width).'
            )
        if not 0 < cat_max_ratio <= 1:
            raise ConfigError(
                f'RandomCrop: cat_max_ratio is {cat_max_ratio}; expected a share, above 0 and at most 1.'
            )
        self.crop_size = (int(crop_size[0]), int(crop_size[1]))
        self.cat_max_ratio = cat_max_ratio
        self.ignore_index = ignore_index

    @property
    def random(self) -> bool:
        """Always true."""
        return True

    def draw(self, results: Results, rng: Rng) -> Box:
        """The window (y1, y2, x1, x2)."""
        shape = results['img'].shape[:2]
        box = draw_offset(shape, self.crop_size, rng)
        if self.cat_max_ratio >= 1.0:
            return box
        label = results['gt_semantic_seg']
        for _ in range(CROP_ATTEMPTS):
            if is_varied(crop(label, box), self.cat_max_ratio, self.ignore_index):
                return box
            box = draw_offset(shape, self.crop_size, rng)
        return box

    def apply(self, results: Results, drawn: Box) -> Results:
        """Cut picture and label maps; sets img_shape."""
        for name in ('img', *results['seg_fields']):
            results[name] = crop(results[name], drawn)
        results['img_shape'] = results['img'].shape
        return results


def flip(array: NDArray[Any], direction: str) -> NDArray[Any]:
    """Mirror a map (H, W) or (H, W, 3) left-right ('horizontal') or upside down ('vertical')."""
    return cv2.flip(array, 1 if direction == 'horizontal' else 0)


@TRANSFORMS.register_module()
class RandomFlip(Transform):
    """Mirror picture and label maps with a probability, or as ``results['flip']`` says (test time).

    Args:
        prob: probability in [0, 1]; None never flips.
        direction: 'horizontal' or 'vertical'.
    """

    touches_labels: ClassVar[bool] = True

    def __init__(self, prob: float | None = None, direction: str = 'horizontal') -> None:
        if direction not in DIRECTIONS:
            raise ConfigError(f'RandomFlip: direction is {direction!r}; expected one of {DIRECTIONS}.')
        if prob is not None and not 0 <= prob <= 1:
            raise ConfigError(f'RandomFlip: prob is {prob}; expected a probability between 0 and 1.')
        self.prob = prob
        self.direction = direction

    @property
    def random(self) -> bool:
        """True unless there is no probability."""
        return self.prob is not None

    def draw(self, results: Results, rng: Rng) -> bool:
        """Whether to flip."""
        if 'flip' in results:
            return bool(results['flip'])
        return self.prob is not None and bool(rng.random() < self.prob)

    def apply(self, results: Results, drawn: bool) -> Results:
        """Flip if drawn; sets flip and flip_direction in any case."""
        results['flip'] = drawn
        direction = results.setdefault('flip_direction', self.direction)
        if drawn:
            for name in ('img', *results['seg_fields']):
                results[name] = flip(results[name], direction)
        return results
