"""A training step of several processes: gradients exchanged during the last backward pass, and after it."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, distributed

from benchmarks.settings import OPTIMIZER, Settings, training_config
from benchmarks.step import random_batch
from benchmarks.timing import ROOT, Comparison, synchronise
from mmseg.config.translate import train_settings
from mmseg.engine.build import build_trainable, choose_device
from mmseg.engine.distributed import barrier, close_distributed, init_distributed
from mmseg.engine.optimizer import build_optimizer
from mmseg.ranks import is_main, rank, world_size

PROCESS = 'import sys; sys.path.insert(0, sys.argv[1]); from benchmarks.ranks import main; main(sys.argv[2])'
"""What each process runs."""

KINDS = ('gradients', 'other')


@dataclass(frozen=True)
class Traffic:
    """What one process hands to the others in a step.

    Attributes:
        name: method and sizes.
        exchanges, mib: number and size (MiB) of its tensors: gradients, and everything else (statistics of batch norms,
            classes, counts of pixels, whether all numbers are finite).
    """

    name: str
    exchanges: dict[str, int]
    mib: dict[str, float]

    def line(self) -> str:
        """One line for a person."""
        parts = (f'{kind}: {self.mib[kind]:.3f} MiB in {self.exchanges[kind]}' for kind in self.mib)
        return f'{self.name}: {"; ".join(parts)}'

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def overlap(settings: Settings) -> list[Comparison | Traffic]:
    """One process for each GPU, two on a CPU (and where there is one GPU); wall time, which waiting is part of."""
    count = torch.cuda.device_count() if settings.device.type == 'cuda' else 1
    kind = settings.device.type if count > 1 else 'cpu'
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / 'found.json'
        wanted = {**vars(settings), 'device': kind, 'found': str(found)}
        launcher = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
        launcher += ['--nproc-per-node', str(max(count, 2)), '--no-python', sys.executable, '-c', PROCESS]
        subprocess.run([*launcher, str(ROOT / 'tools'), json.dumps(wanted)], cwd=ROOT, check=True)
        comparison, traffic = json.loads(found.read_text(encoding='utf-8'))
        return [Comparison(**comparison), Traffic(**traffic)]


@contextmanager
def counted(traffic: Traffic) -> Iterator[None]:
    """Count what is exchanged meanwhile."""

    def counting(original: Callable[..., Any], place: int) -> Callable[..., Any]:
        def count(*arguments: Any, **options: Any) -> Any:
            sent: Tensor = arguments[place]
            kind = 'gradients' if options.get('async_op') else 'other'
            traffic.exchanges[kind] += 1
            traffic.mib[kind] += sent.numel() * sent.element_size() / 2**20
            return original(*arguments, **options)

        return count

    with (
        patch.object(distributed, 'all_reduce', counting(distributed.all_reduce, 0)),
        patch.object(distributed, 'all_gather', counting(distributed.all_gather, 1)),
    ):
        yield


def measured(settings: Settings) -> tuple[Comparison, Traffic]:
    """In every process: both ways in turns, on the same batches."""
    methods, wrappers = [], []
    for overlapped in (True, False):
        torch.manual_seed(0)
        method = build_trainable(train_settings(training_config(settings.encoder)), settings.device)
        methods.append(method)
        wrappers.append(build_optimizer(method, OPTIMIZER))
        wrappers[-1].average.overlap = overlapped
    torch.manual_seed(rank())
    batch = random_batch(settings)
    times: list[list[float]] = []
    for number in range(settings.rounds + 1):
        pair = [0.0, 0.0]
        for which in (0, 1) if number % 2 else (1, 0):
            torch.manual_seed(number)
            barrier()
            start = time.perf_counter()
            methods[which].train_step(batch, wrappers[which])
            synchronise(settings.device)
            barrier()
            pair[which] = time.perf_counter() - start
        times.append(pair)
    times = times[1:]  # the first step knows no step before it
    ratios = [plain / ours for ours, plain in times]
    weights = [dict(method.named_parameters()) for method in methods]
    difference = max(
        float((value - weights[1][name]).detach().abs().max()) for name, value in weights[0].items()
    )
    traffic = Traffic(
        f'a step of DAFormer {settings.encoder}', dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0.0)
    )
    with counted(traffic):
        methods[0].train_step(batch, wrappers[0])
    early, size = (
        wrappers[0].average.early,
        sum(p.numel() for p in methods[0].parameters() if p.requires_grad),
    )
    comparison = Comparison(
        name=f'gradients exchanged during and after the last backward pass, DAFormer {settings.encoder}, '
        f'{world_size()} x {settings.batch} + {settings.batch} crops of {settings.size}x{settings.size}, '
        f'{size / 1e6:.1f} M gradients, {early} buckets early',
        ours_ms=1e3 * statistics.median(pair[0] for pair in times),
        reference_ms=1e3 * statistics.median(pair[1] for pair in times),
        ratio=statistics.median(ratios),
        spread=(min(ratios), max(ratios)),
        difference=difference,
    )
    return comparison, traffic


def main(told: str) -> None:
    """A process of the measurement, started by :func:`overlap`, which tells what is wanted as JSON."""
    wanted = json.loads(told)
    found = Path(wanted.pop('found'))
    init_distributed('pytorch')
    settings = replace(
        Settings(**wanted), device=choose_device(None if wanted['device'] == 'cuda' else 'cpu')
    )
    results = measured(settings)
    if is_main():
        found.write_text(json.dumps([result.record() for result in results]), encoding='utf-8')
    close_distributed()
