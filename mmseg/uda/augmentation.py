"""Strong augmentation of mixed images: colour jitter, then Gaussian blur.

Source: docs/methods/self-training.md#strong-augmentation.

The jitter follows the definitions of kornia 0.5.8, which differ from torchvision's and from later kornia
releases: brightness is added, contrast multiplies without a mean. Parameters are drawn elsewhere
    (:mod:`mmseg.uda.draws`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg.batch import Normalisation
from mmseg.errors import ConfigError
from mmseg.uda.transfer import send

BLUR_THRESHOLD = 0.5
"""Blur is applied where its uniform draw exceeds this number."""


@dataclass(frozen=True)
class JitterStrength:
    """Half-widths of the ranges that factors are drawn from: 1 +- brightness, ..., 0 +- hue."""

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0

    @classmethod
    def parse(cls, value: float | Mapping[str, float]) -> 'JitterStrength':
        """From ``uda.color_jitter_strength``: one number for all four, or a dict of some of them."""
        if problems := cls.problems(value):
            raise ConfigError(f'uda.{problems[0]}')
        return cls(**{name: float(x) for name, x in cls._named(value).items()})

    @classmethod
    def problems(cls, value: float | Mapping[str, float]) -> list[str]:
        """One sentence if :meth:`parse` does not take a value."""
        limits = {field.name: 0.5 if field.name == 'hue' else 1.0 for field in fields(cls)}
        if all(name in limits and 0 <= x <= limits[name] for name, x in cls._named(value).items()):
            return []
        return [
            f'color_jitter_strength: found {value!r}, expected one number or a dict with some of the keys '
            f'{", ".join(limits)}, each in [0, 1], hue in [0, 0.5].'
        ]

    @classmethod
    def _named(cls, value: float | Mapping[str, float]) -> Mapping[str, float]:
        return value if isinstance(value, Mapping) else dict.fromkeys((f.name for f in fields(cls)), value)


@dataclass(frozen=True)
class Jitter:
    """Jitter parameters of a batch.

    Attributes:
        factors: per image (brightness, contrast, saturation, hue).
        orders: per image the sequence of operations: 0 brightness, 1 contrast, 2 saturation, 3 hue.
    """

    factors: Sequence[Sequence[float]]
    orders: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Strong:
    """Parameters of the strong augmentation of a batch; None switches a part off.

    Attributes:
        jitter: colour jitter.
        sigmas: per image the standard deviation of the blur in pixels.
    """

    jitter: Jitter | None = None
    sigmas: Sequence[float] | None = None


def apply_strong(images: Tensor, strong: Strong, mean: Tensor, std: Tensor) -> Tensor:
    """Jitter in [0, 1], blur in normalised space.

    Args:
        images: float (B, 3, H, W), normalised.
        mean, std: (3,) of the normalisation, in grey levels 0..255.

    Returns:
        A new tensor of the same shape and normalisation (``images`` itself if nothing is to be done).
    """
    if strong.jitter is not None:
        images = normalise(color_jitter(denormalise(images, mean, std), strong.jitter), mean, std)
    if strong.sigmas is not None:
        images = gaussian_blur(images, strong.sigmas)
    return images


def normalisation(found: Normalisation, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (3,) on a device, without waiting for it.

    Source: docs/methods/self-training.md#one-iteration, step 2.
    """
    mean, std = send(torch.tensor([found.mean, found.std], dtype=torch.float32), device).unbind(0)
    return mean, std


def denormalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Normalised (B, 3, H, W) to about [0, 1]."""
    return (images * std.view(-1, 1, 1) + mean.view(-1, 1, 1)) / 255


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """The inverse of :func:`denormalise`."""
    return (images * 255 - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)


def color_jitter(images: Tensor, jitter: Jitter) -> Tensor:
    """Apply the four operations to each image in its own order.

    Images that need the same operation at the same place are handled together.

    Args:
        images: float RGB (B, 3, H, W), about [0, 1].
        jitter: parameters of the B images.
    """
    factors = send(torch.tensor(jitter.factors, dtype=torch.float32), images.device)
    current = list(images.unbind(0))
    for place in range(len(OPERATIONS)):
        wanted = [order[place] for order in jitter.orders]
        for operation in sorted(set(wanted)):
            members = [i for i, other in enumerate(wanted) if other == operation]
            stacked = torch.stack([current[i] for i in members])
            factor = torch.stack([factors[i, operation] for i in members]).view(-1, 1, 1, 1)
            for i, image in zip(members, OPERATIONS[operation](stacked, factor).unbind(0), strict=True):
                current[i] = image
    return torch.stack(current)


def _brightness(images: Tensor, factor: Tensor) -> Tensor:
    return (images + (factor - 1)).clamp(0, 1)


def _contrast(images: Tensor, factor: Tensor) -> Tensor:
    return (images * factor).clamp(0, 1)


def _saturation(images: Tensor, factor: Tensor) -> Tensor:
    hue, saturation, value = rgb_to_hsv(images)
    return hsv_to_rgb(hue, (saturation * factor).clamp(0, 1), value)


def _hue(images: Tensor, factor: Tensor) -> Tensor:
    hue, saturation, value = rgb_to_hsv(images)
    return hsv_to_rgb(hue + factor * (2 * math.pi), saturation, value)


OPERATIONS: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (_brightness, _contrast, _saturation, _hue)


def rgb_to_hsv(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue in [0, 2 pi], saturation and value of RGB images, each (B, 1, H, W).

    Args:
        images: (B, 3, H, W); saturation is in [0, 1] where no channel is negative.
    """
    red, green, blue = images.split(1, dim=1)
    value = images.amax(dim=1, keepdim=True)
    chroma = value - images.amin(dim=1, keepdim=True)
    safe = torch.where(chroma == 0, 1.0, chroma)
    sector = torch.where(
        red == value,
        (green - blue) / safe,
        torch.where(green == value, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = torch.where(chroma == 0, 0.0, sector.remainder(6) * (math.pi / 3))
    return hue, chroma / (value + 1e-6), value


def hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """RGB (B, 3, H, W) of hue (radians, any range), saturation and value, each (B, 1, H, W).

    The six-sector formula in closed form: each channel falls short of the value by saturation times a
    trapezium of the hue.
    """
    offsets = torch.cat([hue * (3 / math.pi) + shift for shift in (5, 3, 1)], dim=1).remainder(6)
    shortfall = torch.minimum(offsets, 4 - offsets).clamp(0, 1)
    return value - value * saturation * shortfall


def blur_kernel_size(length: int) -> int:
    """Odd kernel size, about a tenth of an image side of ``length`` pixels (512 -> 51, 1024 -> 103)."""
    tenth = math.ceil(0.1 * length)
    return math.floor(tenth - 0.5 + tenth % 2)


def gaussian_blur(images: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Blur each image with its own sigma; the kernel sizes follow from the image sides.

    The kernel is separable, and taps beyond six sigma (weight below 2e-8) are left out, which changes the
    result by less than float32 rounding. Edges are reflected without repeating the edge pixel; a kernel
    reaches over less than a twentieth of the side, so this works for images of any size.

    Args:
        images: float (B, C, H, W).
        sigmas: B standard deviations in pixels, above 0.
    """
    for axis in (2, 3):
        images = _blur_axis(images, sigmas, axis)
    return images


def _blur_axis(images: Tensor, sigmas: Sequence[float], axis: int) -> Tensor:
    radius = min(blur_kernel_size(images.shape[axis]) // 2, math.ceil(6 * max(sigmas)))
    if radius < 1:
        return images
    distance = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-(distance**2) / (2 * torch.tensor(sigmas, dtype=torch.float32).view(-1, 1) ** 2))
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    taps = send(kernel, images.device).repeat_interleave(images.shape[1], dim=0).to(images.dtype)
    vertical = axis == 2
    padding = (0, 0, radius, radius) if vertical else (radius, radius, 0, 0)
    padded = F.pad(images, padding, mode='reflect').flatten(0, 1).unsqueeze(0)
    weight = taps[:, None, :, None] if vertical else taps[:, None, None, :]
    # The native depthwise kernel instead of cuDNN's, which may round to TF32.
    with torch.backends.cudnn.flags(enabled=False):
        blurred = F.conv2d(padded, weight, groups=padded.shape[1])
    return blurred.view_as(images)
