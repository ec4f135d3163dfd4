"""Strong photometric augmentation of source pictures: StrongPhotometric.

Colour jitter, grey pictures and blur in the strengths of SimCLR (Chen et al., ICML 2020, arXiv:2002.05709, appendix A),
which source pictures get in VFM-UDA++ (arXiv:2503.15202). Jitter is defined as in torchvision.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.random import Rng
from mmseg.datasets.transforms.base import Results, Transform
from mmseg.datasets.transforms.colour import scale_bytes, shift_hue
from mmseg.errors import ConfigError
from mmseg.registry import TRANSFORMS

Bytes = NDArray[np.uint8]
HUE_CIRCLE = 180
"""Hues of a byte picture in OpenCV."""


@dataclass(frozen=True)
class Photometric:
    """What is done to a picture.

    Attributes:
        jitter: (kind, value) in the order in which they are carried out; factors, for the hue a share of the circle.
        grey: whether the colours are taken away.
        sigma: standard deviation of the blur in pixels, or None.
    """

    jitter: tuple[tuple[str, float], ...] = ()
    grey: bool = False
    sigma: float | None = None


def to_grey(image: Bytes) -> Bytes:
    """BGR picture (H, W, 3) without colours, again with three channels."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def jitter(image: Bytes, kind: str, value: float) -> Bytes:
    """One change of a BGR picture (H, W, 3): 'brightness', 'contrast', 'saturation' (factors) or 'hue'."""
    if kind == 'brightness':
        return scale_bytes(image, factor=value)
    if kind == 'contrast':
        mean = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).mean()
        return scale_bytes(image, factor=value, shift=(1 - value) * float(mean))
    if kind == 'saturation':
        return cv2.addWeighted(image, value, to_grey(image), 1 - value, 0)
    return shift_hue(image, round(value * HUE_CIRCLE))


def apply_photometric(image: Bytes, drawn: Photometric) -> Bytes:
    """Jitter, grey, blur of a BGR picture (H, W, 3)."""
    for kind, value in drawn.jitter:
        image = jitter(image, kind, value)
    if drawn.grey:
        image = to_grey(image)
    return image if drawn.sigma is None else cv2.GaussianBlur(image, (0, 0), drawn.sigma)


@TRANSFORMS.register_module()
class StrongPhotometric(Transform):
    """Strong colour jitter, grey pictures and blur; on bytes, so before Normalize.

    Args:
        brightness, contrast, saturation: half-widths of the ranges around 1 that factors are drawn from, in [0, 1].
        hue: half-width of the range around 0, in shares of the colour circle, in [0, 0.5].
        jitter_prob, grey_prob, blur_prob: probabilities, in [0, 1].
        sigma_range: standard deviations of the blur in pixels.

    Raises:
        ConfigError: a value is out of range.
    """

    def __init__(
        self,
        brightness: float = 0.8,
        contrast: float = 0.8,
        saturation: float = 0.8,
        hue: float = 0.4,
        jitter_prob: float = 1.0,
        grey_prob: float = 0.1,
        blur_prob: float = 0.5,
        sigma_range: tuple[float, float] = (0.1, 2.0),
    ) -> None:
        self.factors = {'brightness': brightness, 'contrast': contrast, 'saturation': saturation}
        self.hue = hue
        self.probabilities = {'jitter_prob': jitter_prob, 'grey_prob': grey_prob, 'blur_prob': blur_prob}
        self.sigma_range = (float(sigma_range[0]), float(sigma_range[1]))
        limits = dict.fromkeys([*self.factors, *self.probabilities], 1.0) | {'hue': 0.5}
        values = {**self.factors, **self.probabilities, 'hue': hue}
        wrong = [f'{name}={value}' for name, value in values.items() if not 0 <= value <= limits[name]]
        if wrong or not 0 < self.sigma_range[0] <= self.sigma_range[1]:
            raise ConfigError(
                f'StrongPhotometric: found {", ".join(wrong) or f"sigma_range={sigma_range}"}; expected strengths and '
                'probabilities from 0 to 1, hue at most 0.5, and a rising sigma_range above 0.'
            )

    @property
    def random(self) -> bool:
        """Always true."""
        return True

    def draw(self, results: Results, rng: Rng) -> Photometric:
        """All numbers are drawn whether they are used or not, so that options leave the other draws as they are."""
        gates = {name: rng.random() < value for name, value in self.probabilities.items()}
        changes = [(kind, float(rng.uniform(1 - half, 1 + half))) for kind, half in self.factors.items()]
        changes.append(('hue', float(rng.uniform(-self.hue, self.hue))))
        order = rng.permutation(len(changes))
        sigma = float(rng.uniform(*self.sigma_range))
        return Photometric(
            tuple(changes[i] for i in order) if gates['jitter_prob'] else (),
            gates['grey_prob'],
            sigma if gates['blur_prob'] else None,
        )

    def apply(self, results: Results, drawn: Any) -> Results:
        """Carry out what was drawn.

        Raises:
            ConfigError: the picture is normalised already.
        """
        if results['img'].dtype != np.uint8:
            raise ConfigError(
                f'StrongPhotometric: the picture has type {results["img"].dtype}; it works on bytes, so put it before '
                'Normalize in the pipeline.'
            )
        results['img'] = apply_photometric(results['img'], drawn)
        return results
