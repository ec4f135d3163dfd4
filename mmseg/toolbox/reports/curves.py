"""The curves of a page as values: which series stand together, thinned so that a page of long runs stays small."""

import math
from collections.abc import Mapping
from typing import Any

from mmseg.evaluation.metrics import TEACHER
from mmseg.toolbox.reports.logs import RunLog, Series

POINTS, LEAST = 600, 60
"""Values of a series that a page keeps at most, as a screen shows no more, and of each of very many runs."""
MANY = 8
"""With more runs each keeps fewer values, so that a page does not grow with their number."""

PERCENT = (0.0, 100.0)


def curve_groups(logs: Mapping[str, RunLog]) -> list[dict[str, Any]]:
    """Panels in groups, for the script of the page.

    Args:
        logs: by run title.

    Returns:
        Groups that have a curve: ``heading``, ``open`` (shown at once), ``range`` (of all its panels, or None: their
        own), ``panels``; a panel has ``name`` and ``lines``, a line the number of its ``run`` in ``logs``, ``x``
        (iterations) and ``y``.
    """
    names = list(dict.fromkeys(name for log in logs.values() for name in log.curves()))
    points = max(POINTS * MANY // max(len(logs), MANY), LEAST)
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(group_of(name), []).append(name)
    return [
        {
            'heading': heading,
            'open': heading not in FOLDED,
            'range': PERCENT if heading in (SCORES, CLASSES) else None,
            'panels': [panel for name in found[heading] if (panel := _panel(name, logs, points))['lines']],
        }
        for heading in ORDER
        if heading in found
    ]


SCORES, CLASSES, LOSSES = 'Validation scores (%)', 'Validation IoU by class (%)', 'Losses'
ACCURACIES, SPEED, OTHERS = 'Accuracy of each class (%)', 'Speed and memory', 'Other values of the log'
ORDER = (SCORES, CLASSES, LOSSES, ACCURACIES, OTHERS, SPEED)
FOLDED = (ACCURACIES, OTHERS, SPEED)


def group_of(name: str) -> str:
    """Heading of the group that a value of the log belongs to, by its name."""
    name = name.removeprefix(TEACHER)
    if name.startswith('IoU.'):
        return CLASSES
    if name.startswith('Acc.'):
        return ACCURACIES
    if name in ('mIoU', 'mAcc', 'aAcc'):
        return SCORES
    if name in ('time', 'data_time', 'memory', 'lr'):
        return SPEED
    return LOSSES if name.rpartition('.')[2].startswith('loss') else OTHERS


def thinned(series: Series, points: int = POINTS) -> Series:
    """At most about ``points`` pairs that keep every peak: of each stretch the smallest and the largest value."""
    if len(series) <= points:
        return list(series)
    step = math.ceil(2 * len(series) / points)
    kept: Series = []
    for start in range(0, len(series), step):
        stretch = sorted(series[start : start + step], key=lambda pair: _order(pair[1]))
        kept += sorted({stretch[0], stretch[-1]})
    return kept


def _order(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def _panel(name: str, logs: Mapping[str, RunLog], points: int) -> dict[str, Any]:
    lines = []
    for number, log in enumerate(logs.values()):
        series = thinned(log.curves().get(name, []), points)
        if any(math.isfinite(value) for _, value in series):
            lines.append({'run': number, 'x': [x for x, _ in series], 'y': [y for _, y in series]})
    shown = name.removeprefix(TEACHER)
    shown = shown.removeprefix('IoU.').removeprefix('Acc.')
    return {'name': shown + (', teacher' if name.startswith(TEACHER) else ''), 'lines': lines}
