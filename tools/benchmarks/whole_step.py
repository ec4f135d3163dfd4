"""Whole training steps of HRDA with DIDA's instance bank on data: what the process needs, all in all."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.resident import MIB, peak_mib
from benchmarks.settings import OPTIMIZER, Settings, hrda_config
from benchmarks.step import random_batch
from benchmarks.timing import seconds
from mmseg.config.translate import train_settings
from mmseg.engine.build import build_trainable
from mmseg.engine.optimizer import build_optimizer
from mmseg.toolbox.bank.building import random_bank
from mmseg.uda.instance_bank.files import write_bank

ROWS, CLASSES = 300, 19
BANKS: dict[str, dict[str, Any] | None] = {
    'no bank': None,
    'published bank': {'mode': 'published'},
    # A network from random weights is confident nowhere, so that 'valid' would leave no pixel.
    'clean bank': {'mode': 'clean', 'pixel_mask': 'target'},
}


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        name: what was run, with its sizes.
        seconds: time of the last step (on a CPU of the processor).
        before_mib: in use before the first step: programs, weights, the optimiser's state, images. On a CPU resident
            memory of the process, on a GPU allocated memory.
        peak_mib: the most during all steps, of the same kind.
    """

    name: str
    seconds: float
    before_mib: float
    peak_mib: float

    def line(self) -> str:
        """For a person."""
        return f'{self.name}: {self.seconds:.1f} s, at most {self.peak_mib:.0f} MiB ({self.before_mib:.0f} before)'

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def hrda_dida(settings: Settings) -> Iterator[Step]:
    """``rounds`` steps without a bank and with either form of it."""
    with TemporaryDirectory() as folder:
        features, labels = random_bank(ROWS, 256, CLASSES, seed=0)
        write_bank(folder, features, labels)
        for name, bank in BANKS.items():
            options = bank and {**bank, 'bank_size': ROWS, 'bank_file': folder}
            yield _measure(settings, name, options)


def _measure(settings: Settings, name: str, bank: dict[str, Any] | None) -> Step:
    config = hrda_config(settings.encoder, settings.size)
    config['uda'] = {**config['uda'], 'instance_bank': bank}
    method = build_trainable(train_settings(config), settings.device)
    wrapper = build_optimizer(method, OPTIMIZER)
    batch = random_batch(settings)
    # So that the optimiser's state is there from the first step on, as it is in all others.
    for parameter in method.parameters():
        parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
    wrapper.step()
    wrapper.zero_grad()
    times: list[float] = []

    def steps() -> None:
        for _ in range(settings.rounds):
            times.append(seconds(lambda: method.train_step(batch, wrapper), settings.device))

    if settings.device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(settings.device)
        before = torch.cuda.memory_allocated(settings.device) / MIB
        steps()
        found = before, torch.cuda.max_memory_allocated(settings.device) / MIB
    else:
        found = peak_mib(steps) or (float('nan'), float('nan'))
    sizes = f'{settings.batch} + {settings.batch} crops of {settings.size}x{settings.size}'
    return Step(f'HRDA step, {settings.encoder}, {name}, {sizes}', times[-1], *found)
