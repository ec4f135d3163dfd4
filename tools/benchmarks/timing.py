"""Measure two ways of computing the same thing, in turns, in one process."""

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Comparison:
    """Medians of one benchmark.

    Attributes:
        name: what was measured, with its sizes.
        ours_ms, reference_ms: median time of one call in milliseconds, see :func:`seconds`.
        ratio: median over the rounds of reference time / our time; above 1 we are faster.
        spread: smallest and largest ratio of a round.
        difference: largest absolute difference of the results, a check that both do the same.
        ours_mib, reference_mib: peak GPU memory of a call above what was allocated before; None on the CPU.
        parts_ms: what our time is made of, measured in calls of its own.
    """

    name: str
    ours_ms: float
    reference_ms: float
    ratio: float
    spread: tuple[float, float]
    difference: float
    ours_mib: float | None = None
    reference_mib: float | None = None
    parts_ms: dict[str, float] | None = None

    def line(self) -> str:
        """One line for a person."""
        memory = ''
        if self.ours_mib is not None and self.reference_mib is not None:
            memory = f', peak {self.ours_mib:.0f} / {self.reference_mib:.0f} MiB'
        return (
            f'{self.name}: {self.ours_ms:.2f} ms, reference {self.reference_ms:.2f} ms, ratio {self.ratio:.2f} '
            f'({self.spread[0]:.2f} to {self.spread[1]:.2f}), largest difference {self.difference:.1e}{memory}'
            + ''.join(f'\n  {value:9.2f} ms {name}' for name, value in (self.parts_ms or {}).items())
        )

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def compare(
    name: str,
    ours: Callable[[], object],
    reference: Callable[[], object],
    rounds: int,
    device: torch.device,
    difference: float,
) -> Comparison:
    """Time both functions ``rounds`` times, in turns and in alternating order, after a warm-up call of each.

    ``difference`` is measured by the caller, who knows what the functions return.
    """
    functions = (ours, reference)
    peaks = [peak_mib(function, device) for function in functions]
    times: list[tuple[float, float]] = []
    for number in range(rounds):
        pair = [0.0, 0.0]
        for which in (0, 1) if number % 2 else (1, 0):
            pair[which] = seconds(functions[which], device)
        times.append((pair[0], pair[1]))
    ratios = [reference_s / ours_s for ours_s, reference_s in times]
    return Comparison(
        name=name,
        ours_ms=1e3 * statistics.median(pair[0] for pair in times),
        reference_ms=1e3 * statistics.median(pair[1] for pair in times),
        ratio=statistics.median(ratios),
        spread=(min(ratios), max(ratios)),
        difference=difference,
        ours_mib=peaks[0],
        reference_mib=peaks[1],
    )


def seconds(function: Callable[[], object], device: torch.device) -> float:
    """Time of one call: wall time with a GPU, the work it queued included; else the processor time of all threads.

    Processor time hardly depends on what else a machine runs; wall time on a busy one varies tenfold.
    """
    clock = time.perf_counter if device.type == 'cuda' else time.process_time
    synchronise(device)
    start = clock()
    function()
    synchronise(device)
    return clock() - start


def synchronise(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def peak_mib(function: Callable[[], object], device: torch.device) -> float | None:
    """A warm-up call, then its peak of GPU memory above what was held before; None on a CPU."""
    if device.type != 'cuda':
        function()
        return None
    function()
    synchronise(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    function()
    synchronise(device)
    return (torch.cuda.max_memory_allocated(device) - before) / 2**20


def machine(device: torch.device) -> dict[str, Any]:
    """What the numbers were measured on."""
    gpu = torch.cuda.get_device_name(device) if device.type == 'cuda' else None
    return {
        'cpu': _cpu_name(),
        'cores': len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count(),
        'threads': torch.get_num_threads(),
        'load': round(os.getloadavg()[0], 1),
        'gpu': gpu,
        'python': platform.python_version(),
        'torch': torch.__version__,
        'commit': _commit(),
    }


def _cpu_name() -> str:
    info = Path('/proc/cpuinfo')
    lines = info.read_text(encoding='utf-8').splitlines() if info.is_file() else []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(['git', '-C', str(ROOT), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = ' with uncommitted changes' if git('status', '--porcelain', '--untracked-files=no') else ''
    return (git('rev-parse', '--short', 'HEAD') or 'unknown') + changed
