"""What a graphics card shows: steps of each method and tests of large pictures, with rates and shares of its peak."""

import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from benchmarks.counts import Count
from benchmarks.settings import METHODS, ON_HRDA, Settings, method_config
from benchmarks.step import TITLES, Pair
from benchmarks.timing import Comparison, peak_mib, seconds
from mmseg.config.translate import speed_of
from mmseg.engine.build import apply_speed_options
from mmseg.models import build_segmentor
from mmseg.models.precision import PRECISIONS

EVERYWHERE: list[dict[str, Any]] = [{}, {'precision': 'bf16'}]
"""Of every method."""
FURTHER: list[dict[str, Any]] = [
    {'precision': 'fp16'},
    {'precision': 'bf16', 'channels_last': True},
    {'precision': 'bf16', 'channels_last': True, 'compile': True},
]
"""Of DAFormer alone: compiling MiT-B5 takes minutes."""
LARGE = 8192
"""Rows and columns of the matrices whose product tells a card's peak."""


@dataclass(frozen=True)
class Rate:
    """A step, or the test of a picture.

    Attributes:
        name: what ran, with its sizes.
        ms: median time in milliseconds.
        images_per_second: source and target images of a step, or pictures.
        peak_mib: GPU memory at most, beyond what was held before; None on a CPU.
        tflop: floating point operations in units of 10^12.
        share: of what the device reaches with a product of large matrices in the same precision.
        plain: the same step written plainly, in turns with ours; None for tests.
    """

    name: str
    ms: float
    images_per_second: float
    peak_mib: float | None
    tflop: float
    share: float
    plain: Comparison | None = None

    def line(self) -> str:
        """For a person."""
        return f'{self.name}: ' + ', '.join(
            f'{head} {cell}' for head, cell in zip(HEADS[1:], self.cells()[1:], strict=True)
        )

    def cells(self) -> list[str]:
        """As a row of a table."""
        plain = self.plain
        memory = ['-', '-'] if self.peak_mib is None else [f'{self.peak_mib:.0f}', '-']
        if plain is not None and plain.reference_mib is not None:
            memory[1] = f'{plain.reference_mib:.0f}'
        ratio = (
            '-' if plain is None else f'{plain.ratio:.2f} ({plain.spread[0]:.2f} to {plain.spread[1]:.2f})'
        )
        return [
            self.name, f'{self.ms:.1f}', f'{self.images_per_second:.2f}', ratio, *memory, f'{self.tflop:.3g}',
            f'{self.share:.0%}',
        ]  # fmt: skip

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


HEADS = ['what', 'ms', 'images/s', 'plain / ours', 'MiB', 'MiB plain', 'TFLOP', 'share of peak']


def card(settings: Settings) -> Iterator[Rate]:
    """Steps, then tests.

    Args:
        settings: ``size`` is that of DAFormer's crops; those of HRDA have full resolution, twice as much, as published
            (1024 instead of 512).
    """
    peaks = {
        name: peak_flops(settings.device, dtype) for name, dtype in PRECISIONS.items() if runs(name, settings)
    }
    for method in METHODS:
        sizes = replace(settings, size=settings.size * (2 if method in ON_HRDA else 1))
        for speed in EVERYWHERE + FURTHER * (method == 'daformer'):
            precision = speed.get('precision', 'fp32')
            if precision in peaks:
                yield step(method, sizes, speed, peaks[precision])
    for method in ('daformer', 'hrda'):
        for precision in ('fp32', 'bf16'):
            yield picture(method, settings, precision, peaks[precision])


def runs(precision: str, settings: Settings) -> bool:
    """Whether the device trains in that precision."""
    return precision != 'fp16' or settings.device.type == 'cuda'


def step(method: str, settings: Settings, speed: dict[str, Any], peak: float) -> Rate:
    """One of the methods; ``peak`` in operations a second."""
    pair = Pair.of(method, settings, **speed)
    compared = pair.compared(settings)
    if speed.get('compile'):  # counted as it is written: compiled code consists of other operations
        pair = Pair.of(method, settings, **{**speed, 'compile': False})
    with Count() as count:
        pair.our_step()
    images = 2 * settings.batch
    time = compared.ours_ms / 1e3
    return Rate(
        compared.name, compared.ours_ms, images / time, compared.ours_mib, count.flop / 1e12, count.flop / time / peak,
        compared,
    )  # fmt: skip


def picture(method: str, settings: Settings, precision: str, peak: float) -> Rate:
    """The test of a picture of (2 size, 4 size), for a size of 512 that of Cityscapes; HRDA in windows of 2 size."""
    height = 2 * settings.size
    network = build_segmentor(method_config(method, settings.encoder, height)['model']).eval()
    network = apply_speed_options(network, speed_of({'precision': precision}), settings.device)
    image = torch.randn(1, 3, height, 2 * height, device=settings.device)

    @torch.inference_mode()
    def test() -> None:
        network.predict_logits(image).argmax(dim=1)

    memory = peak_mib(test, settings.device)
    with Count() as count:
        test()
    time = statistics.median(seconds(test, settings.device) for _ in range(settings.rounds))
    words = [TITLES[method] + ' test', settings.encoder, f'picture of {2 * height}x{height}']
    name = ', '.join(words + [precision] * (precision != 'fp32'))
    return Rate(name, 1e3 * time, 1 / time, memory, count.flop / 1e12, count.flop / time / peak)


def peak_flops(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a product of two large matrices, the best of ten."""
    side = LARGE if device.type == 'cuda' else LARGE // 16
    left, right = torch.randn(2, side, side, device=device, dtype=dtype)
    times = [seconds(lambda: left @ right, device) for _ in range(10)]
    return 2 * side**3 / min(times)
