"""Scaled images and detail crops of multi-resolution networks, as pure functions.

Source: docs/methods/hrda.md#random-detail-crop, #features.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg.errors import ConfigError

Box = tuple[int, int, int, int]
"""(y1, y2, x1, x2) in pixels, end exclusive."""


class IntegerStream(Protocol):
    """What a box draw needs of a random generator; ``numpy.random.Generator`` has it."""

    def integers(self, low: int, high: int) -> Any:
        """An integer in [low, high)."""


def draw_box(stream: IntegerStream, size: Sequence[int], crop: Sequence[int], divisible: int) -> Box:
    """A random detail window.

    Quirk (published): with margin m the offsets are 0, d, 2d, ... below ``(m + 1) // d * d``, so for m = 512 and
    d = 8 the last position 512 is never drawn.

    Args:
        stream: random generator; the vertical offset is drawn before the horizontal one.
        size: (height, width) of the image.
        crop: (height, width) of the window; a window larger than the image is the image.
        divisible: both offsets are multiples of it.

    Returns:
        (y1, y2, x1, x2), end exclusive.

    Raises:
        ConfigError: an offset range is empty, because the margin is positive but smaller than ``divisible`` - 1.
    """
    if tuple(size) == tuple(crop):
        return (0, size[0], 0, size[1])
    starts = []
    for length, window in zip(size, crop, strict=True):
        choices = (max(length - window, 0) + 1) // divisible
        if choices == 0:
            raise ConfigError(
                f'model.hr_crop_size is {tuple(crop)} and model.crop_coord_divisible {divisible} on an image of '
                f'{tuple(size)} (height, width): no window position is possible; expected an image at least '
                f'{divisible - 1} pixels larger than the crop, or of the same size.'
            )
        starts.append(int(stream.integers(0, choices)) * divisible)
    (y, x), (height, width) = starts, (min(c, s) for c, s in zip(crop, size, strict=True))
    return (y, y + height, x, x + width)


def crop(x: Tensor, box: Box) -> Tensor:
    """The window of (..., H, W), a view."""
    y1, y2, x1, x2 = box
    return x[..., y1:y2, x1:x2]


def shrink(box: Box, divisor: float) -> Box:
    """Box on a grid that is ``divisor`` times coarser; coordinates are truncated."""
    y1, y2, x1, x2 = (int(value / divisor) for value in box)
    return (y1, y2, x1, x2)


@torch.no_grad()
def scale_image(img: Tensor, scale: float) -> Tensor:
    """Image (B, 3, H, W) resized bilinearly by a factor, without gradient; scale 1 is the image itself."""
    return img if scale == 1 else resize_by(img, scale)


@torch.no_grad()
def blur_image(img: Tensor) -> Tensor:
    """The image without its fine detail: resized to half and back (ablation 'blur_hr_crop')."""
    return resize_by(resize_by(img, 0.5), 2)


def resize_by(x: Tensor, factor: float) -> Tensor:
    """Bilinear resize of (B, C, H, W) by a factor; the size is floor(size * factor)."""
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode='bilinear', align_corners=False)


def fill_up(img: Tensor, crop: Sequence[int], multiple: int) -> Tensor:
    """The image (B, 3, H, W) with edges shorter than ``crop`` (height, width) grown at their ends.

    They grow to the next ``multiple`` with zeros, the mean colour of normalised images; an image that needs nothing is
    returned itself.
    """
    missing = [-size % multiple if size < edge else 0 for size, edge in zip(img.shape[2:], crop, strict=True)]
    return F.pad(img, (0, missing[1], 0, missing[0])) if any(missing) else img
