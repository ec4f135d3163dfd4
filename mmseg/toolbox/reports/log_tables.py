"""Runs side by side as text: how fast they were, how well they ended."""

import statistics
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from prettytable import PrettyTable

from mmseg.errors import UsageError
from mmseg.toolbox.reports.logs import RunLog, Series

USUAL_CURVES = (
    'decode.loss_seg',
    'loss',
    'mix.decode.loss_seg',
    'src.loss_imnet_feat_dist',
    'masked.*loss_seg',
    'mIoU',
)
"""What is drawn if nothing is asked for."""


def choose_curves(logs: Mapping[str, RunLog], patterns: Sequence[str]) -> dict[str, dict[str, Series]]:
    """Series by run title by log name, for the names that fit one of the patterns (``*`` stands for anything).

    Raises:
        UsageError: a pattern fits nothing; names what there is.
    """
    names = list(dict.fromkeys(name for log in logs.values() for name in log.curves()))
    chosen: dict[str, dict[str, Series]] = {}
    for pattern in patterns:
        fitting = [name for name in names if fnmatchcase(name, pattern)]
        if not fitting:
            raise UsageError(
                f'--keys {pattern}: in none of the logs. There are: {", ".join(names) or "no values"}.'
            )
        for name in fitting:
            chosen[name] = {title: log.curves().get(name, []) for title, log in logs.items()}
    return chosen


def usual_curves(logs: Mapping[str, RunLog]) -> list[str]:
    """Those of :data:`USUAL_CURVES` that occur."""
    names = {name for log in logs.values() for name in log.curves()}
    return [pattern for pattern in USUAL_CURVES if any(fnmatchcase(name, pattern) for name in names)]


def score_table(logs: Mapping[str, RunLog], name: str = 'mIoU') -> str:
    """Last and best value of a score, in percent, and where; empty text if no run was evaluated."""
    table = PrettyTable(['run', 'iterations', 'evaluations', f'last {name}', f'best {name}', 'at'])
    table.align = 'r'
    table.align['run'] = 'l'
    for title, log in logs.items():
        if not (series := log.evaluation.get(name)):
            continue
        best = max(series, key=lambda point: point[1])
        reached = max(curve[-1][0] for curve in log.curves().values() if curve)
        table.add_row([title, reached, len(series), f'{series[-1][1]:.2f}', f'{best[1]:.2f}', best[0]])
    return str(table.get_string()) if table.rows else ''


def speed_table(logs: Mapping[str, RunLog]) -> str:
    """Seconds of an iteration (intervals with an evaluation left out), share of waiting for data, memory.

    Empty text if no log has times.
    """
    heads = ['run', 'mean (s)', 'median (s)', 'fastest (s)', 'slowest (s)', 'at', 'data (%)', 'memory (MiB)']
    table = PrettyTable(heads)
    table.align = 'r'
    table.align['run'] = 'l'
    for title, log in logs.items():
        if not (series := log.speed.get('time')):
            continue
        times = [value for _, value in series]
        slowest = max(series, key=lambda point: point[1])
        waiting = sum(value for _, value in log.speed.get('data_time', [])) / max(sum(times), 1e-9)
        memory = max((value for _, value in log.speed.get('memory', [])), default=None)
        seconds = (statistics.fmean(times), statistics.median(times), min(times), slowest[1])
        cells = [f'{value:.3f}' for value in seconds]
        table.add_row(
            [title, *cells, slowest[0], f'{100 * waiting:.1f}', '' if memory is None else f'{memory:.0f}']
        )
    return str(table.get_string()) if table.rows else ''
