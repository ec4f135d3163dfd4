"""Random decisions of a self-training step, as values.

A step asks a :class:`Draws` object for its decisions instead of a global generator. What it answers is a pure
function of (seed, rank, iteration), so a resumed run repeats the same decisions, and the reference checks can
put stored decisions in their place. Each kind of decision has a stream of its own: switching one on leaves
the others as they were.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mmseg.models.draws import Streams
from mmseg.uda.augmentation import BLUR_THRESHOLD, Jitter, JitterStrength, Strong
from mmseg.uda.mixing import LABEL_VALUES, choose_half, present_values
from mmseg.uda.transfer import to_device

SIGMA_RANGE = (0.15, 1.15)
"""Range in pixels that the standard deviation of the blur is drawn from."""


class StepDraws(Protocol):
    """What a step may ask for."""

    def stream(self, name: str) -> Any:
        """Random numbers for what the network decides, see :meth:`Streams.stream`."""

    def gates(self) -> tuple[float, float]:
        """Two uniform numbers in [0, 1) that decide on colour jitter and on blur, for the whole batch."""

    def mix_classes(self, labels: Tensor) -> Tensor:
        """The label values to paste for each image: bool (B, 256), where ``labels`` (B, 1, H, W) are."""

    def jitter(self, batch: int, strength: JitterStrength) -> Jitter:
        """Jitter factors and orders of ``batch`` images."""

    def sigmas(self, batch: int) -> tuple[float, ...]:
        """Blur of ``batch`` images: standard deviations in pixels."""


DrawSource = Callable[[int, int, int], StepDraws]
"""Makes the draws of a step from (seed, rank, iteration)."""


class Draws(Streams):
    """The draws of one step of self-training; see :class:`Streams`."""

    def gates(self) -> tuple[float, float]:
        """See :class:`StepDraws`."""
        first, second = self.stream('gates').random(2)
        return float(first), float(second)

    def mix_classes(self, labels: Tensor) -> Tensor:
        """ceil(n / 2) of the n values in the whole batch, 255 included, for each image (spec/uda.md 2.4).

        The scores come from the host, the choice is made on the device, which alone knows the labels.
        """
        scores = torch.from_numpy(self.stream('mix').random((len(labels), LABEL_VALUES), np.float32))
        return choose_half(present_values(labels), to_device(scores, labels.device))

    def jitter(self, batch: int, strength: JitterStrength) -> Jitter:
        """Uniform factors and a random order for each image."""
        stream = self.stream('jitter')
        half = np.array([strength.brightness, strength.contrast, strength.saturation, strength.hue])
        factors = np.array([1.0, 1.0, 1.0, 0.0]) + stream.uniform(-1.0, 1.0, (batch, 4)) * half
        return Jitter(factors.tolist(), [stream.permutation(4).tolist() for _ in range(batch)])

    def sigmas(self, batch: int) -> tuple[float, ...]:
        """Uniform in :data:`SIGMA_RANGE` for each image."""
        return tuple(self.stream('blur').uniform(*SIGMA_RANGE, batch).tolist())


def draw_strong(
    draws: StepDraws, batch: int, strength: JitterStrength, jitter_above: float, blur: bool
) -> Strong:
    """Decide on the strong augmentation of a batch.

    Args:
        draws: the step's draws.
        batch: number of images.
        strength: ranges of the jitter factors.
        jitter_above: jitter is applied iff its uniform draw exceeds this number, so with probability
            1 - ``jitter_above`` (published behaviour of ``uda.color_jitter_probability``, spec/uda.md 2.5).
        blur: whether blur is considered at all.
    """
    jitter_gate, blur_gate = draws.gates()
    return Strong(
        jitter=draws.jitter(batch, strength) if jitter_gate > jitter_above else None,
        sigmas=draws.sigmas(batch) if blur and blur_gate > BLUR_THRESHOLD else None,
    )
