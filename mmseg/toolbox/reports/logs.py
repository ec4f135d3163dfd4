"""Reading the JSON lines that a training run writes, of this program and of the published ones.

Source: docs/methods/tools.md#logs.
"""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmseg.errors import DataError
from mmseg.evaluation.metrics import TEACHER
from mmseg.fileio import require_regular

Series = list[tuple[int, float]]
"""(iteration, value) pairs in the order of the log."""

_NOT_A_CURVE = {'mode', 'epoch', 'iter'}
_SPEED = {'memory', 'time', 'data_time'}
LOG_ENDING = '.log.json'


@dataclass
class RunLog:
    """Curves of one run.

    Attributes:
        training: losses, accuracies (percent) and ``lr`` by log name.
        evaluation: ``mIoU``, ``aAcc``, ``mAcc``, ``IoU.*`` ... in percent by log name.
        speed: ``time`` and ``data_time`` (mean seconds of an iteration) and ``memory`` (MiB), of intervals without
            evaluation.
    """

    training: dict[str, Series] = field(default_factory=lambda: defaultdict(list))
    evaluation: dict[str, Series] = field(default_factory=lambda: defaultdict(list))
    speed: dict[str, Series] = field(default_factory=lambda: defaultdict(list))

    def curves(self) -> dict[str, Series]:
        """All series by log name, scores first."""
        return {**self.evaluation, **self.training, **self.speed}


def find_logs(path: Path) -> list[Path]:
    """The logs of a run: the file itself, or those in its folder from the oldest to the newest.

    Raises:
        DataError: there is none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(path.glob('*' + LOG_ENDING))
    if not found:
        raise DataError(
            f'{path} holds no *{LOG_ENDING}. Expected the work folder of a training run, or name a log file.'
        )
    return found


def read_run(path: Path) -> RunLog:
    """Read one ``*.log.json``, see :func:`read_logs`.

    If a time stamp is its name, it goes on from earlier ones of its folder: those of a run before it was resumed.
    """
    earlier = [other for other in sorted(path.parent.glob('*' + LOG_ENDING)) if other.name < path.name]
    return read_logs([*(other for other in earlier if _is_stamped(other) and _is_stamped(path)), path])


def _is_stamped(path: Path) -> bool:
    return path.name[:8].isdigit()


def read_logs(paths: Sequence[Path]) -> RunLog:
    """Read the logs of a run; those of its resumed parts follow one another.

    The published log writes the number of validation batches as ``iter`` into a line with evaluation values
    (docs/methods/tools.md#logs, Quirk). Such a line is placed one logging interval after the line before it. A resumed
    run repeats iterations; the later line wins. A damaged last line is left out: the run was killed writing it.

    Raises:
        DataError: a file is missing or one of its other lines is no JSON object.
    """
    log = RunLog()
    for path in paths:
        _read_into(log, path)
    return log


def _read_into(log: RunLog, path: Path) -> None:
    interval = previous = 0
    for entry in _entries(path):
        if 'mode' not in entry or 'iter' not in entry:
            continue
        evaluated = 'mIoU' in entry
        iteration = int(entry['iter'])
        if evaluated and entry['mode'] == 'train' and iteration != previous + interval:
            iteration = previous + interval
        elif not evaluated and iteration > previous:
            interval = iteration - previous
        _add(log, entry, iteration)
        previous = max(iteration, 0)


def _entries(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a log without a damaged last one."""
    entries: list[dict[str, Any]] = []
    lines = _lines(path)
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            if number == len(lines) > 1:
                break
            raise DataError(
                f'Line {number} of {path} is no JSON ({error}). Expected one object per line; remove that line.'
            ) from error
        if not isinstance(entries[-1], dict):
            raise DataError(
                f'Line {number} of {path} is no JSON object but {line[:40]}. Expected the {LOG_ENDING} of a training '
                'run.'
            )
    return entries


def _lines(path: Path) -> list[str]:
    try:
        require_regular(path)
        text = path.read_bytes().decode('utf-8', errors='replace')
    except OSError as error:
        raise DataError(
            f'The log {path} cannot be read ({error}). Expected the {LOG_ENDING} of a training run.'
        ) from error
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise DataError(f'The log {path} is empty. Expected the {LOG_ENDING} of a training run.')
    return lines


def _add(log: RunLog, entry: dict[str, Any], iteration: int) -> None:
    evaluated = 'mIoU' in entry
    for name, value in entry.items():
        if name in _NOT_A_CURVE or not isinstance(value, int | float):
            continue
        if name in _SPEED and evaluated:
            continue  # contains the evaluation
        score = name.removeprefix(TEACHER)
        is_score = score in {'mIoU', 'aAcc', 'mAcc'} or score.startswith(('IoU.', 'Acc.'))
        kind = log.evaluation if is_score else log.speed if name in _SPEED else log.training
        series = kind[name]
        while series and series[-1][0] >= iteration:
            series.pop()
        series.append((iteration, 100.0 * float(value) if is_score else float(value)))


def smoothed(series: Series, weight: float) -> Series:
    """Exponential moving average without the pull of its start; not-a-number keeps the average as it is.

    Args:
        series: (iteration, value) pairs.
        weight: of the past in [0, 1); 0 changes nothing.
    """
    result, total, mass = [], 0.0, 0.0
    for iteration, value in series:
        if math.isfinite(value):
            total = weight * total + (1 - weight) * value
            mass = weight * mass + 1 - weight
        result.append((iteration, total / mass if mass else math.nan))
    return result
