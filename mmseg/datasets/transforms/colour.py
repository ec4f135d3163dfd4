"""Steps that change colours: PhotoMetricDistortion and Normalize (docs/methods/pipelines.md).

A byte has 256 values, so brightness, contrast, saturation and normalisation are looked up in a table; the
results are those of the arithmetic, at a fraction of the passes over memory.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.random import Rng
from mmseg.datasets.transforms.base import Results, Transform
from mmseg.errors import ConfigError
from mmseg.registry import TRANSFORMS

BYTES = np.arange(256, dtype=np.float32)
Change = tuple[str, float]


def scale_bytes(image: NDArray[np.uint8], factor: float = 1.0, shift: float = 0.0) -> NDArray[np.uint8]:
    """``factor`` * value + ``shift`` in float32, clipped to [0, 255] and cut to a whole number."""
    table = np.clip(BYTES * np.float32(factor) + np.float32(shift), 0, 255).astype(np.uint8)
    return cv2.LUT(image, table)


def scale_saturation(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Multiply the S channel of a BGR picture (H, W, 3) in HSV."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    hsv[..., 1] = scale_bytes(hsv[..., 1], factor)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def shift_hue(image: NDArray[np.uint8], shift: int) -> NDArray[np.uint8]:
    """Add to the H channel (0..179) of a BGR picture (H, W, 3) in HSV, modulo 180."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    table = ((np.arange(256) + shift) % 180).astype(np.uint8)
    hsv[..., 0] = cv2.LUT(hsv[..., 0], table)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def apply_change(image: NDArray[np.uint8], change: Change) -> NDArray[np.uint8]:
    """Carry out one drawn (kind, value) on a BGR picture (H, W, 3)."""
    kind, value = change
    if kind == 'brightness':
        return scale_bytes(image, shift=value)
    if kind == 'contrast':
        return scale_bytes(image, factor=value)
    if kind == 'saturation':
        return scale_saturation(image, value)
    return shift_hue(image, int(value))


@TRANSFORMS.register_module()
class PhotoMetricDistortion(Transform):
    """Random brightness, contrast, saturation and hue on uint8 BGR, each with probability 0.5.

    Args:
        brightness_delta: the shift is uniform in [-delta, delta).
        contrast_range: (low, high) of the factor.
        saturation_range: (low, high) of the factor.
        hue_delta: the shift is a whole number in [-delta, delta).
    """

    def __init__(
        self,
        brightness_delta: float = 32,
        contrast_range: tuple[float, float] = (0.5, 1.5),
        saturation_range: tuple[float, float] = (0.5, 1.5),
        hue_delta: int = 18,
    ) -> None:
        ranges = (contrast_range, saturation_range)
        if brightness_delta < 0 or hue_delta < 1 or not all(0 <= low <= high for low, high in ranges):
            raise ConfigError(
                f'PhotoMetricDistortion: found brightness_delta={brightness_delta}, contrast_range={contrast_range}, '
                f'saturation_range={saturation_range}, hue_delta={hue_delta}; expected a delta of at least 0, rising '
                'ranges of at least 0, and a whole hue_delta of at least 1.'
            )
        self.brightness_delta = brightness_delta
        self.contrast_range = contrast_range
        self.saturation_range = saturation_range
        self.hue_delta = hue_delta

    @property
    def random(self) -> bool:
        """Always true."""
        return True

    def draw(self, results: Results, rng: Rng) -> list[Change]:
        """The changes in the order in which they are carried out; contrast comes second or last."""
        delta = self.brightness_delta
        changes: list[Change] = []
        if rng.integers(0, 2):
            changes.append(('brightness', float(rng.uniform(-delta, delta))))
        contrast_first = bool(rng.integers(0, 2))
        if contrast_first and rng.integers(0, 2):
            changes.append(('contrast', float(rng.uniform(*self.contrast_range))))
        if rng.integers(0, 2):
            changes.append(('saturation', float(rng.uniform(*self.saturation_range))))
        if rng.integers(0, 2):
            changes.append(('hue', int(rng.integers(-self.hue_delta, self.hue_delta))))
        if not contrast_first and rng.integers(0, 2):
            changes.append(('contrast', float(rng.uniform(*self.contrast_range))))
        return changes

    def apply(self, results: Results, drawn: list[Change]) -> Results:
        """Carry out the changes."""
        image = results['img']
        if image.dtype != np.uint8:
            raise ConfigError(
                f'PhotoMetricDistortion: the picture has type {image.dtype}; it works on bytes, so put it '
                'before Normalize in the pipeline.'
            )
        for change in drawn:
            image = apply_change(image, change)
        results['img'] = image
        return results


def normalize(
    image: NDArray[Any], mean: NDArray[np.float32], std: NDArray[np.float32], to_rgb: bool
) -> NDArray[np.float32]:
    """(value - mean) * (1 / std) per channel in float32.

    Args:
        image: (H, W, 3) BGR, uint8 or float.
        mean: three numbers, in the order of the result's channels.
        std: likewise.
        to_rgb: whether the result's channels are RGB.

    Returns:
        float32 (H, W, 3), a view on planar memory (3, H, W), so that bringing the channels first costs
        nothing.
    """
    planes = np.empty((3, *image.shape[:2]), np.float32)
    factors = np.float32(1) / std
    channels = cv2.split(image)
    for channel, plane in enumerate(channels[::-1] if to_rgb else channels):
        if image.dtype == np.uint8:
            cv2.LUT(plane, ((BYTES - mean[channel]) * factors[channel]), planes[channel])
        else:
            planes[channel] = (plane - mean[channel]) * factors[channel]
    return planes.transpose(1, 2, 0)


@TRANSFORMS.register_module()
class Normalize(Transform):
    """Normalise the picture and turn it to RGB.

    Args:
        mean: RGB mean (with ``to_rgb``), 0..255.
        std: RGB standard deviation, above 0.
        to_rgb: reorder BGR to RGB.

    Raises:
        ConfigError: a standard deviation is not above 0.
    """

    def __init__(
        self, mean: tuple[float, float, float], std: tuple[float, float, float], to_rgb: bool = True
    ) -> None:
        if min(std) <= 0:
            raise ConfigError(
                f'Normalize: std is {std}; expected numbers above 0, which the picture is divided by.'
            )
        self.mean = np.array(mean, dtype=np.float32)
        self.std = np.array(std, dtype=np.float32)
        self.to_rgb = to_rgb

    def apply(self, results: Results, drawn: Any) -> Results:
        """Normalise; sets img_norm_cfg; ``drawn`` is not used."""
        results['img'] = normalize(results['img'], self.mean, self.std, self.to_rgb)
        results['img_norm_cfg'] = {'mean': self.mean, 'std': self.std, 'to_rgb': self.to_rgb}
        return results
