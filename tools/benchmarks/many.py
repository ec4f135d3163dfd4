"""A data set of many label maps: writing its statistics, and the start of a run with rare class sampling."""

import pickle
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from benchmarks.resident import peak_mib
from benchmarks.settings import Settings
from mmseg.datasets.domains import GTADataset
from mmseg.datasets.uda import RareClassSampler
from mmseg.toolbox.preparation.statistics_files import LabelStats, write_statistics

LABELS, FEW = 100_000, 300
CLASSES = 12
"""In each label map, of 19."""


@dataclass(frozen=True)
class Start:
    """What one step of the start takes.

    Attributes:
        name: what was done.
        seconds: processor time.
        most_mib: resident memory at most, above what was there before; None where the system does not tell.
        pickled_mib: size of the data set as a spawned loader process gets it; 0 where there is none yet.
    """

    name: str
    seconds: float
    most_mib: float | None
    pickled_mib: float = 0.0

    def line(self) -> str:
        """One line for a person."""
        sent = f', {self.pickled_mib:.1f} MiB pickled' if self.pickled_mib else ''
        memory = '' if self.most_mib is None else f', at most {self.most_mib:.0f} MiB'
        return f'{self.name}: {self.seconds:.1f} s of processor time{memory}{sent}'

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def start(settings: Settings) -> Iterator[Start]:
    """Statistics are written, files listed and statistics read; crops below 256 take a few label maps only."""
    count = LABELS if settings.size >= 256 else FEW
    with tempfile.TemporaryDirectory() as folder:
        _make_files(Path(folder), count)
        yield _measured(
            f'statistics of {count} label maps', lambda: write_statistics(folder, _drawn(folder, count))
        )[0]

        def listed() -> GTADataset:
            return GTADataset([], 'images', ann_dir='labels', data_root=folder)

        found, dataset = _measured(f'list of {count} pictures and label maps', listed)
        yield Start(found.name, found.seconds, found.most_mib, len(pickle.dumps(dataset)) / 2**20)
        name = f'rare class sampling for {count} label maps'
        found, sampler = _measured(name, lambda: RareClassSampler(dataset, 3000, 0.01, 0.5))
        yield Start(found.name, found.seconds, found.most_mib, len(pickle.dumps(sampler)) / 2**20)


def _measured(name: str, work: Callable[[], Any]) -> tuple[Start, Any]:
    kept: list[Any] = []
    began = process_time()
    memory = peak_mib(lambda: kept.append(work()))
    if memory is None:
        began = process_time()
        kept.append(work())
    taken = process_time() - began
    return Start(name, taken, None if memory is None else memory[1] - memory[0]), kept[0]


def _make_files(root: Path, count: int) -> None:
    """Empty files: nothing opens them at the start."""
    for kind in ('images', 'labels'):
        (root / kind).mkdir()
    for number in range(count):
        (root / f'images/{number:06}.png').touch()
        (root / f'labels/{number:06}_labelTrainIds.png').touch()


def _drawn(folder: str, count: int) -> Iterator[LabelStats]:
    rng = np.random.default_rng(0)
    for number in range(count):
        ids = np.sort(rng.choice(19, CLASSES, replace=False)).tolist()
        pixels = rng.integers(1, 9000, CLASSES).tolist()
        yield LabelStats(
            f'{folder}/labels/{number:06}_labelTrainIds.png', dict(zip(ids, pixels, strict=True))
        )
