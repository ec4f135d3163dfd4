"""The tables of a page as values: an overview of the runs, scores by class, class frequencies."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmseg.toolbox.preparation.class_use import ClassUse
from mmseg.toolbox.reports.facts import RunFacts
from mmseg.toolbox.reports.logs import RunLog, Series
from mmseg.toolbox.reports.results import RunResult
from mmseg.toolbox.reports.run_folders import NETWORKS, RunFolder

UNKNOWN = '–'  # noqa: RUF001


@dataclass(frozen=True)
class Cell:
    """One number of the table: the value and its difference to the first run, as shown, and the number itself."""

    value: str
    change: str = ''
    kind: str = 'same'
    number: float | None = None


def result_table(runs: Sequence[RunResult]) -> list[tuple[str, list[Cell]]]:
    """Rows (class, one cell a run) of the result table; the first row is the mean."""
    rows = [('mIoU', [_cell(run.miou, runs[0].miou, i) for i, run in enumerate(runs)])]
    for name in dict.fromkeys(name for run in runs for name in run.class_iou):
        reference = runs[0].class_iou.get(name, math.nan)
        cells = [_cell(run.class_iou.get(name, math.nan), reference, i) for i, run in enumerate(runs)]
        rows.append((name, cells))
    return rows


def _cell(value: float, reference: float, column: int) -> Cell:
    if math.isnan(value):
        return Cell('n/a')
    if column == 0 or math.isnan(reference):
        return Cell(f'{value:.1f}', number=value)
    change = value - reference
    kind = 'same' if abs(change) < 0.05 else 'up' if change > 0 else 'down'
    return Cell(f'{value:.1f}', f'{change:+.1f}', kind, value)


@dataclass(frozen=True)
class OverviewRow:
    """A run in the overview.

    Attributes:
        title: of the run.
        number: its place, which gives its colour.
        cells: (heading, number to sort by or None, text).
        spark: points of a small curve of mIoU, as SVG has them in 100 x 24; '' for fewer than two evaluations.
    """

    title: str
    number: int
    cells: list[tuple[str, float | None, str]]
    spark: str


def overview(runs: Sequence[RunFolder], facts: Sequence[RunFacts]) -> list[OverviewRow]:
    """How far each run is, and how good."""
    return [
        OverviewRow(run.title, number, _cells(run, fact), sparkline(run.log.evaluation.get('mIoU', [])))
        for number, (run, fact) in enumerate(zip(runs, facts, strict=True))
    ]


def _cells(run: RunFolder, fact: RunFacts) -> list[tuple[str, float | None, str]]:
    tested = {result.network: result.miou for result in run.results}
    series = [(at, value) for at, value in run.log.evaluation.get('mIoU', []) if not math.isnan(value)]
    best = max(series, key=lambda point: point[1], default=None)
    times = [value for _, value in run.log.speed.get('time', [])]
    length = f' of {fact.length}' if fact.length else ''
    return [
        *(_score(network, tested.get(network, math.nan)) for network in NETWORKS),
        _score('last validation', series[-1][1] if series else math.nan),
        ('best validation', best[1], f'{best[1]:.1f} (at {best[0]})')
        if best
        else _score('best validation', math.nan),
        ('iterations', float(run.iteration), f'{run.iteration}{length}')
        if run.iteration
        else ('iterations', None, UNKNOWN),
        ('s / iteration', statistics.median(times), f'{statistics.median(times):.3f}')
        if times
        else ('s / iteration', None, UNKNOWN),
        ('seed', float(fact.seed) if fact.seed.isdigit() else None, fact.seed or UNKNOWN),
        ('commit', None, fact.commit or UNKNOWN),
    ]


def _score(label: str, value: float) -> tuple[str, float | None, str]:
    return (label, None, UNKNOWN) if math.isnan(value) else (label, value, f'{value:.1f}')


def sparkline(series: Series) -> str:
    """A series as points of an SVG polyline in a box of 100 x 24; '' for fewer than two finite values."""
    points = [(x, y) for x, y in series if math.isfinite(y)]
    if len(points) < 2:
        return ''
    xs, ys = [x for x, _ in points], [y for _, y in points]
    width, height = max(max(xs) - min(xs), 1), max(max(ys) - min(ys), 1e-9)
    return ' '.join(
        f'{100 * (x - min(xs)) / width:.1f},{22 - 20 * (y - min(ys)) / height:.1f}' for x, y in points
    )


@dataclass(frozen=True)
class UseRow:
    """A class in the table of frequencies: percent of the pixels on the disk and delivered, and their quotient (None:
    not on the disk); percent of the delivered label maps that have it; its colour."""

    name: str
    colour: str
    stored: float
    delivered: float
    times: float | None
    present: float


def use_rows(
    stored: ClassUse, delivered: ClassUse, names: Sequence[str], colours: Mapping[str, str]
) -> list[UseRow]:
    """The classes that occur, by id; ``colours``: CSS colours by class name."""
    before, after = stored.shares(len(names)), delivered.shares(len(names))
    present = delivered.presence(len(names))
    return [
        UseRow(
            name,
            colours.get(name, ''),
            float(before[i]),
            float(after[i]),
            float(after[i] / before[i]) if before[i] else None,
            float(present[i]),
        )
        for i, name in enumerate(names)
        if before[i] or after[i]
    ]


def logs_by_title(runs: Sequence[RunFolder]) -> dict[str, RunLog]:
    """The curves of each run."""
    return {run.title: run.log for run in runs}
