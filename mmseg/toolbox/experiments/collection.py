"""Means and spreads of settings over their seeds, beside the published value, as tables and as JSON."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from prettytable import PrettyTable

from mmseg.toolbox.experiments.outcomes import NETWORKS, LeftOut, Outcome
from mmseg.toolbox.experiments.rows import Published
from mmseg.toolbox.experiments.table import TABLE

PLAIN = Published(math.nan)
"""Stands for settings of which nothing was published."""


@dataclass(frozen=True)
class Summary:
    """A setting's scores over its seeds, in percent.

    Attributes:
        setting: published name without the seed.
        experiment: id, or ''.
        network: 'student' or 'teacher'.
        title: what the published value is called, '' without one.
        published: its value and its classes.
        runs: (seed, mIoU over these classes, run), by seed.
    """

    setting: str
    experiment: str
    network: str
    title: str
    published: Published
    runs: tuple[tuple[int, float, Outcome], ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return statistics.fmean(score for _, score, _ in self.runs)

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over the seeds; None of a single run."""
        return statistics.stdev(score for _, score, _ in self.runs) if len(self.runs) > 1 else None

    @property
    def difference(self) -> float | None:
        """Mean minus published value; None where nothing that compares was published."""
        known = not (math.isnan(self.published.score) or self.published.otherwise)
        return self.mean - self.published.score if known else None


def summarise(outcomes: Iterable[Outcome], networks: Sequence[str] = NETWORKS) -> list[Summary]:
    """One summary for each setting, network and published value, in the order of the runs.

    Args:
        outcomes: finished runs, at most one a setting and seed.
        networks: which to show, of those that were scored.
    """
    groups: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for network in networks:
            if network in outcome.class_iou:
                groups[outcome.experiment, outcome.setting, network].append(outcome)
    return [
        _summary(group, network, title, published)
        for (experiment, setting, network), group in groups.items()
        for title, published in published_of(experiment, setting, network).items()
    ]


def published_of(experiment: str, setting: str, network: str = 'student') -> dict[str, Published]:
    """What was published of a setting's network, by what it is called; ``{'': PLAIN}`` if nothing.

    Args:
        experiment: id; '' looks in all of them, and answers only if they agree.
        setting: name without the seed.
        network: 'student' or 'teacher'.
    """
    among = [TABLE[experiment]] if experiment else TABLE.values()
    found = [
        (name, value)
        for entry in among
        for name, value in entry.published.items()
        if (experiment or value.runs != '*') and fnmatchcase(setting, value.runs) and value.network == network
    ]
    if not experiment and len({value.score for _, value in found}) > 1:
        found = []
    return dict(found) or {'': PLAIN}


def _summary(group: Sequence[Outcome], network: str, title: str, published: Published) -> Summary:
    runs = sorted(
        ((run.seed, mean_of(run.class_iou[network], published.without), run) for run in group),
        key=lambda entry: entry[0],
    )
    first = group[0]
    return Summary(first.setting, first.experiment, network, title, published, tuple(runs))


def mean_of(class_iou: Mapping[str, float], without: Sequence[str] = ()) -> float:
    """mIoU in percent over the classes that occur, some left out by name; NaN if none is left."""
    kept = [value for name, value in class_iou.items() if name not in without and not math.isnan(value)]
    return statistics.fmean(kept) if kept else math.nan


def with_spread(mean: float, spread: float | None) -> str:
    """'39.9 ± 1.7', or '40.4' of a single run."""
    return f'{mean:.1f}' if spread is None else f'{mean:.1f} ± {spread:.1f}'


HEADS = ('setting', 'network', 'n', 'seeds', 'mIoU', 'published', 'difference')


def cells(summaries: Sequence[Summary]) -> list[list[str]]:
    """The rows of the table, under :data:`HEADS`."""
    return [
        [
            summary.setting + (f' [{summary.experiment}]' if summary.experiment else ''),
            summary.network,
            str(len(summary.runs)),
            ', '.join(str(seed) for seed, _, _ in summary.runs),
            with_spread(summary.mean, summary.spread),
            _published(summary),
            '-' if summary.difference is None else f'{summary.difference:+.1f}',
        ]
        for summary in summaries
    ]


def _published(summary: Summary) -> str:
    if not summary.title:
        return '-'
    why = summary.published.otherwise
    named = summary.title if not why or why in summary.title else f'{summary.title}; {why}'
    return f'{summary.published.score:.1f} ({named})'


def as_text(summaries: Sequence[Summary], left: Sequence[LeftOut]) -> str:
    """A table for the terminal, and below it what was left out."""
    table = PrettyTable(list(HEADS))
    table.align = 'l'
    table.add_rows(cells(summaries))
    out = ''.join(f'\nLeft out: {run.folder.name}: {run.reason}' for run in left)
    return f'{table}\nmIoU in percent, mean ± sample standard deviation over n runs.{out}'


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of a page, ending in a line break."""
    lines = [f'| {" | ".join(heads)} |', f'|{"|".join(["---"] * len(heads))}|']
    return '\n'.join([*lines, *(f'| {" | ".join(row)} |' for row in rows)]) + '\n'


def as_json(summaries: Sequence[Summary], left: Sequence[LeftOut]) -> dict[str, Any]:
    """Everything the tables are made of, and the IoU of each class, in percent rounded to two decimals."""
    return {
        'settings': [_entry(summary) for summary in summaries],
        'left_out': [{'folder': _shown(run.folder), 'reason': run.reason} for run in left],
    }


def _entry(summary: Summary) -> dict[str, Any]:
    published = summary.published
    return {
        'setting': summary.setting,
        'experiment': summary.experiment or None,
        'network': summary.network,
        'n': len(summary.runs),
        'mean': round(summary.mean, 2),
        'sd': None if summary.spread is None else round(summary.spread, 2),
        'published': None if not summary.title else published.score,
        'published_as': summary.title or None,
        'not_comparable': published.otherwise or None,
        'classes_left_out': list(published.without),
        'difference': None if summary.difference is None else round(summary.difference, 2),
        'class_iou': _by_class([run.class_iou[summary.network] for _, _, run in summary.runs]),
        'runs': [
            {
                'seed': seed,
                'mIoU': round(score, 2),
                'source': run.sources[summary.network],
                'folder': _shown(run.folder),
            }
            for seed, score, run in summary.runs
        ],
    }


def _by_class(scores: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """Mean and sample standard deviation of each class over the runs that have it."""
    found = {}
    for name in scores[0]:
        values = [one[name] for one in scores if not math.isnan(one.get(name, math.nan))]
        found[name] = {
            'mean': round(statistics.fmean(values), 2) if values else None,
            'sd': round(statistics.stdev(values), 2) if len(values) > 1 else None,
        }
    return found


def _shown(folder: Path) -> str:
    """Relative to the current folder where it lies below it."""
    return str(folder.relative_to(Path.cwd())) if folder.is_relative_to(Path.cwd()) else str(folder)
