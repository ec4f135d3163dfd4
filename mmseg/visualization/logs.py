"""Reading the JSON lines that a training run writes (spec/tools.md 4)."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from mmseg.errors import DataError

Series = list[tuple[int, float]]
"""(iteration, value) pairs in the order of the log."""

_NOT_A_CURVE = {'mode', 'epoch', 'iter', 'memory', 'time', 'data_time'}


@dataclass
class RunLog:
    """Curves of one run.

    Attributes:
        training: losses, accuracies (percent) and ``lr`` by log name.
        evaluation: ``mIoU``, ``aAcc``, ``mAcc``, ``IoU.*`` ... in percent by log name.
    """

    training: dict[str, Series] = field(default_factory=lambda: defaultdict(list))
    evaluation: dict[str, Series] = field(default_factory=lambda: defaultdict(list))


def read_log(path: Path | str) -> RunLog:
    """Read a ``*.log.json``.

    The published log writes the number of validation batches as ``iter`` into a line with evaluation values
    (spec/tools.md 4, Quirk). Such a line is placed one logging interval after the line before it. A resumed
    run repeats iterations; the later line wins.

    Raises:
        DataError: the file is missing or a line is no JSON object.
    """
    log = RunLog()
    interval = previous = 0
    for number, line in enumerate(_lines(Path(path)), start=1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise DataError(
                f'Line {number} of {path} is no JSON ({error}). Expected one object per line; remove that line.'
            ) from error
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
    return log


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding='utf-8').splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f'The log {path} cannot be read ({error}). Expected the .log.json of a training run.'
        ) from error


def _add(log: RunLog, entry: dict[str, object], iteration: int) -> None:
    for name, value in entry.items():
        if name in _NOT_A_CURVE or not isinstance(value, int | float):
            continue
        is_score = name in {'mIoU', 'aAcc', 'mAcc'} or name.startswith(('IoU.', 'Acc.'))
        series = (log.evaluation if is_score else log.training)[name]
        while series and series[-1][0] >= iteration:
            series.pop()
        series.append((iteration, 100.0 * float(value) if is_score else float(value)))
