"""Random decisions of a self-training step, as values.

A step asks a :class:`Draws` object for its decisions instead of a global generator. What it answers is a pure
function of (seed, iteration), so a resumed run repeats the same decisions, and the reference checks can
put stored decisions in their place. Each kind of decision has a stream of its own: switching one on leaves
the others as they were. Several processes draw for all of their images, and each takes what is for its own.
"""

from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from mmseg.models.global_batch import anywhere, own_rows
from mmseg.ranks import world_size
from mmseg.streams import Streams
from mmseg.uda.augmentation import BLUR_THRESHOLD, Jitter, JitterStrength, Strong
from mmseg.uda.mixing import LABEL_VALUES, choose_half, present_values
from mmseg.uda.transfer import send

SIGMA_RANGE = (0.15, 1.15)
"""Range in pixels that the standard deviation of the blur is drawn from."""


Use = Literal['mix', 'mask', 'weak']
"""Whose augmentation is decided on: that of mixed images, of masked ones, or of what the teacher sees."""


class StepDraws(Protocol):
    """What a step may ask for."""

    def stream(self, name: str) -> Any:
        """Random numbers for what the network decides, see :meth:`Streams.stream`."""

    def gates(self, use: Use = 'mix') -> tuple[float, float]:
        """Two uniform numbers in [0, 1) that decide on colour jitter and on blur, for the whole batch."""

    def mix_classes(self, labels: Tensor) -> Tensor:
        """The label values to paste for each image: bool (B, 256), where ``labels`` (B, 1, H, W) are."""

    def jitter(self, batch: int, strength: JitterStrength, use: Use = 'mix') -> Jitter:
        """Jitter factors and orders of ``batch`` images."""

    def sigmas(self, batch: int, use: Use = 'mix') -> tuple[float, ...]:
        """Blur of ``batch`` images: standard deviations in pixels."""

    def block_scores(self, batch: int, rows: int, columns: int) -> Tensor:
        """One number in [0, 1) for each block of ``batch`` images, (B, 1, rows, columns) on the host."""


DrawSource = Callable[[int, int], StepDraws]
"""Makes the draws of a step from (seed, iteration)."""


class Draws(Streams):
    """The draws of one step of self-training; see :class:`Streams`."""

    def gates(self, use: Use = 'mix') -> tuple[float, float]:
        """See :class:`StepDraws`."""
        first, second = self._stream_for('gates', use).random(2)
        return float(first), float(second)

    def mix_classes(self, labels: Tensor) -> Tensor:
        """ceil(n / 2) of the n values in the whole batch, 255 included, for each image.

        Source: docs/methods/self-training.md#class-mixing.

        The scores come from the host, the choice is made on the device, which alone knows the labels.
        """
        count = len(labels)
        scores = self.stream('mix').random((count * world_size(), LABEL_VALUES), np.float32)[own_rows(count)]
        present = anywhere(present_values(labels))
        return choose_half(present, send(torch.from_numpy(scores), labels.device))

    def jitter(self, batch: int, strength: JitterStrength, use: Use = 'mix') -> Jitter:
        """Uniform factors and a random order for each image; of masked images all have that of the first."""
        drawn = draw_jitter(self._stream_for('jitter', use), batch * world_size(), strength)
        rows = own_rows(batch)
        orders = [drawn.orders[0]] * batch if use == 'mask' else drawn.orders[rows]
        return Jitter(drawn.factors[rows], orders)

    def sigmas(self, batch: int, use: Use = 'mix') -> tuple[float, ...]:
        """Uniform in :data:`SIGMA_RANGE` for each image; masked images share the first."""
        drawn = self._stream_for('blur', use).uniform(*SIGMA_RANGE, batch * world_size())
        return (float(drawn[0]),) * batch if use == 'mask' else tuple(drawn[own_rows(batch)].tolist())

    def block_scores(self, batch: int, rows: int, columns: int) -> Tensor:
        """Uniform for each block."""
        scores = self.stream('blocks').random((batch * world_size(), 1, rows, columns), np.float32)
        return torch.from_numpy(scores[own_rows(batch)])

    def _stream_for(self, name: str, use: Use) -> np.random.Generator:
        return self.stream(name if use == 'mix' else f'{use}-{name}')


def draw_jitter(stream: np.random.Generator, batch: int, strength: JitterStrength) -> Jitter:
    """Uniform factors and a random order for each of ``batch`` images."""
    half = np.array([strength.brightness, strength.contrast, strength.saturation, strength.hue])
    factors = np.array([1.0, 1.0, 1.0, 0.0]) + stream.uniform(-1.0, 1.0, (batch, 4)) * half
    return Jitter(factors.tolist(), [stream.permutation(4).tolist() for _ in range(batch)])


def draw_strong(
    draws: StepDraws, batch: int, strength: JitterStrength, jitter_above: float, blur: bool
) -> Strong:
    """Decide on the strong augmentation of a batch.

    Args:
        draws: the step's draws.
        batch: number of images.
        strength: ranges of the jitter factors.
        jitter_above: jitter is applied iff its uniform draw exceeds this number, so with probability
            1 - ``jitter_above`` (published behaviour of ``uda.color_jitter_probability``,
            docs/methods/self-training.md#strong-augmentation).
        blur: whether blur is considered at all.
    """
    jitter_gate, blur_gate = draws.gates()
    return Strong(
        jitter=draws.jitter(batch, strength) if jitter_gate > jitter_above else None,
        sigmas=draws.sigmas(batch) if blur and blur_gate > BLUR_THRESHOLD else None,
    )


def draw_strong_mask(draws: StepDraws, batch: int, strength: JitterStrength, jitter_above: float) -> Strong:
    """Decide on the strong augmentation of a batch that will be masked (docs/methods/mic.md#one-call, step 3).

    As :func:`draw_strong`, but all images share one order of the jitter's operations and one blur (factors differ),
    and blur is always considered.
    """
    jitter_gate, blur_gate = draws.gates('mask')
    jitter = sigmas = None
    if jitter_gate > jitter_above:
        drawn = draws.jitter(batch, strength, 'mask')
        jitter = Jitter(drawn.factors, [drawn.orders[0]] * batch)  # stored draws have an order for each
    if blur_gate > BLUR_THRESHOLD:
        sigmas = [draws.sigmas(1, 'mask')[0]] * batch
    return Strong(jitter, sigmas)
