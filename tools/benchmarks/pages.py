"""Training steps on a processor with the memory of tensors kept, and given back to the system as torch and glibc do."""

import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch

from benchmarks.settings import OPTIMIZER, Settings, build_method, method_config
from benchmarks.step import random_batch
from benchmarks.timing import ROOT
from mmseg.engine.optimizer import build_optimizer
from mmseg.processes import keep_tensor_memory

PROCESS = 'import sys; sys.path.insert(0, sys.argv[1]); from benchmarks.pages import main; main(sys.argv[2])'
"""What each process runs."""
STEPS = 4
"""In each process; the first is not counted."""


@dataclass(frozen=True)
class Steps:
    """What the later steps of a process needed.

    Attributes:
        seconds: processor time of a step.
        system: share of it in [0, 1] that the system took, most of it for pages.
        faults: pages a step asked the system for.
        peak_mib: the most resident memory of the process.
        loss: of the last step, over all terms; equal on both sides.
    """

    seconds: float
    system: float
    faults: int
    peak_mib: float
    loss: float


@dataclass(frozen=True)
class Pages:
    """Kept beside given back.

    Attributes:
        name: method and sizes.
        kept, plain: medians over the rounds.
        ratio, spread: plain / kept processor time, median and range over the rounds.
    """

    name: str
    kept: Steps
    plain: Steps
    ratio: float
    spread: tuple[float, float]

    def line(self) -> str:
        """A few lines for a person."""
        sides = (
            f'  {side:10s} {found.seconds:6.2f} s a step, {found.system:4.0%} of it in the system, '
            f'{found.faults:8d} pages, at most {found.peak_mib:.0f} MiB'
            for side, found in (('kept', self.kept), ('given back', self.plain))
        )
        low, high = self.spread
        return '\n'.join([f'{self.name}: ratio {self.ratio:.2f} ({low:.2f} to {high:.2f})', *sides])

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def pages(settings: Settings) -> Iterator[Pages]:
    """DAFormer's and HRDA's steps, in processes of their own, in turns; nothing on a GPU, where maps lie elsewhere.

    Raises:
        RuntimeError: the two sides have different losses.
    """
    if settings.device.type != 'cpu':
        return
    for method in ('daformer', 'hrda'):
        rounds = [
            {kept: _run(settings, method, kept) for kept in ((True, False) if number % 2 else (False, True))}
            for number in range(max(1, settings.rounds // 3))
        ]
        if len({found.loss for pair in rounds for found in pair.values()}) > 1:
            raise RuntimeError(f'{method}: keeping memory has changed the loss')
        ratios = [pair[False].seconds / pair[True].seconds for pair in rounds]
        sizes = f'{settings.batch} + {settings.batch} crops of {settings.size}x{settings.size}'
        yield Pages(
            f'Memory of tensors, {method} {settings.encoder}, {sizes}',
            *(_median([pair[kept] for pair in rounds]) for kept in (True, False)),
            statistics.median(ratios),
            (min(ratios), max(ratios)),
        )


def _median(found: list[Steps]) -> Steps:
    columns = {name: statistics.median(getattr(steps, name) for steps in found) for name in vars(found[0])}
    return Steps(**{**columns, 'faults': int(columns['faults'])})


def _run(settings: Settings, method: str, kept: bool) -> Steps:
    wanted = {
        **vars(settings),
        'device': 'cpu',
        'method': method,
        'kept': kept,
        'threads': torch.get_num_threads(),
    }
    # What a user has set for glibc would decide on both sides.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(('MALLOC_', 'GLIBC_', 'THP_'))}
    done = subprocess.run(
        [sys.executable, '-c', PROCESS, str(ROOT / 'tools'), json.dumps(wanted)],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    return Steps(**json.loads(done.stdout.splitlines()[-1]))


def main(told: str) -> None:
    """A process of the measurement, started by :func:`pages`, which tells what is wanted as JSON."""
    wanted = json.loads(told)
    torch.set_num_threads(wanted.pop('threads'))
    method_name = wanted.pop('method')
    if wanted.pop('kept'):
        keep_tensor_memory()
    settings = Settings(**{**wanted, 'device': torch.device('cpu')})
    method = build_method(method_config(method_name, settings.encoder, settings.size), settings.device)
    wrapper = build_optimizer(method, OPTIMIZER)
    batch = random_batch(settings)
    before = resource.getrusage(resource.RUSAGE_SELF)
    logged: dict[str, Any] = {}
    for number in range(STEPS):
        torch.manual_seed(number)
        logged = method.train_step(batch, wrapper)
        if number == 0:
            before = resource.getrusage(resource.RUSAGE_SELF)
    after = resource.getrusage(resource.RUSAGE_SELF)
    system = after.ru_stime - before.ru_stime
    seconds = after.ru_utime - before.ru_utime + system
    steps = Steps(
        seconds / (STEPS - 1),
        system / seconds,
        (after.ru_minflt - before.ru_minflt) // (STEPS - 1),
        after.ru_maxrss / 1024,
        float(sum(value for name, value in logged.items() if 'loss' in name)),
    )
    print(json.dumps(asdict(steps)))
