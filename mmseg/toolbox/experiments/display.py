"""How runs that go on at the same time are shown: a table that renews itself on a terminal, plain lines elsewhere."""

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from mmseg.errors import DataError
from mmseg.toolbox.reports.logs import LOG_ENDING, find_logs, read_logs

WAITING, RUNNING, FINISHED, FAILED, STOPPED = 'waiting', 'running', 'finished', 'failed', 'stopped'
ENDED = (FINISHED, FAILED, STOPPED)
RENEW, REPORT = 2.0, 600.0
"""Seconds between two tables on a terminal, between two lines on running runs elsewhere."""
RECENT = 20
"""Logged intervals whose times tell how long the rest takes."""


@dataclass(frozen=True)
class Line:
    """The state of one run.

    Attributes:
        name: of the run.
        state: 'waiting', 'running', 'finished', 'failed', 'stopped', or a cluster's own word.
        done: iterations that are logged.
        total: iterations that it is to have.
        miou: mIoU of its last evaluation, in percent; None before.
        left: seconds to go, as its recent iterations took them; None before.
        place: where it computes.
    """

    name: str
    state: str
    done: int = 0
    total: int = 0
    miou: float | None = None
    left: float | None = None
    place: str = ''


def look(name: str, state: str, total: int, folder: Path, place: str = '') -> Line:
    """The state of a run, completed by what its log says."""
    if not any(folder.glob('*' + LOG_ENDING)):
        return Line(name, state, 0, total, place=place)
    try:
        log = read_logs(find_logs(folder))
    except DataError:  # its first line is just being written
        return Line(name, state, 0, total, place=place)
    done = max((curve[-1][0] for curve in log.curves().values() if curve), default=0)
    times = [value for _, value in log.speed.get('time', [])[-RECENT:]]
    left = sum(times) / len(times) * (total - done) if times and state not in ENDED else None
    scores = log.evaluation.get('mIoU')
    return Line(name, state, done, total, scores[-1][1] if scores else None, left, place)


def cells(line: Line) -> list[str]:
    """State, iterations, mIoU, time to go, place and name as shown."""
    left = '' if line.left is None else str(timedelta(seconds=round(line.left)))
    score = '' if line.miou is None else f'{line.miou:.1f}'
    return [line.state, f'{line.done}/{line.total}' if line.total else '', score, left, line.place, line.name]


HEADS = ['state', 'iterations', 'mIoU', 'time left', 'where', 'run']


def table(lines: Sequence[Line], width: int | None = None, height: int | None = None) -> str:
    """All runs below each other.

    Args:
        lines: of the runs.
        width: where rows are cut off.
        height: rows that there is room for; the runs that wait or have finished go first, and are counted.
    """
    shown = list(lines)
    if height is not None and len(shown) + 2 > height:
        shown = [line for line in lines if line.state not in (WAITING, FINISHED)][: max(height - 3, 1)]
    rows = [HEADS, *(cells(line) for line in shown)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS) - 1)]
    text = [
        '  '.join([*(cell.ljust(size) for cell, size in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]
    counts = {
        state: sum(line.state == state for line in lines)
        for state in dict.fromkeys(line.state for line in lines)
    }
    text.append(', '.join(f'{count} {state}' for state, count in counts.items()))
    return '\n'.join(row[:width] for row in text)


class Display:
    """Shows how runs go on.

    Args:
        say: prints a line.
        stream: the terminal, or what stands in its place.
        clock: seconds.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._stream, self._clock = say, stream or sys.stdout, clock
        self._live = self._stream.isatty()
        self._states: dict[str, str] = {}
        self._rows = 0
        self._shown = self._reported = clock()

    def show(self, lines: Callable[[], Sequence[Line]], states: dict[str, str]) -> None:
        """Renew the table, or tell what has changed; to be called often.

        Args:
            lines: makes the lines, which reads logs; called when they are to be shown.
            states: state by run.
        """
        now = self._clock()
        changed = {name for name, state in states.items() if self._states.get(name, WAITING) != state}
        self._states = dict(states)
        if self._live:
            if changed or now - self._shown >= RENEW or not self._rows:
                self._renew(lines(), now)
            return
        due = now - self._reported >= REPORT
        if not changed and not due:
            return
        for line in lines():
            if line.name in changed or (due and line.state == RUNNING):
                self._say(self._plain(line))
        self._reported = now if due else self._reported

    def tell(self, text: str) -> None:
        """Print something; on a terminal the table comes again below it."""
        self._rows = 0
        self._say(text)

    def _renew(self, lines: Sequence[Line], now: float) -> None:
        width, height = shutil.get_terminal_size()
        text = table(lines, width - 1, height - 1)
        back = f'\x1b[{self._rows}F\x1b[J' if self._rows else ''
        self._stream.write(f'{back}{text}\n')
        self._stream.flush()
        self._rows, self._shown = text.count('\n') + 1, now

    @staticmethod
    def _plain(line: Line) -> str:
        where = f' on {line.place}' if line.place else ''
        score = '' if line.miou is None else f', mIoU {line.miou:.1f}'
        left = '' if line.left is None else f', {timedelta(seconds=round(line.left))} to go'
        done = f', {line.done} of {line.total} iterations' if line.total else ''
        return f'{line.name}: {line.state}{where}{done}{score}{left}'
