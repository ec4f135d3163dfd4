"""How runs that go on at the same time are shown."""

import io
import json
from pathlib import Path

from mmseg.toolbox.experiments.display import FAILED, FINISHED, RUNNING, WAITING, Display, Line, look, table

LINES = [
    Line('first', RUNNING, 20, 100, 41.25, 80.0, 'GPU 0'),
    Line('second', WAITING),
    Line('third', FAILED, 3, 100, place='GPU 1'),
    Line('fourth', FINISHED, 100, 100),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def states(lines: list[Line]) -> dict[str, str]:
    return {line.name: line.state for line in lines}


def test_table_has_a_row_a_run() -> None:
    rows = table(LINES).splitlines()
    assert rows[0].split() == ['state', 'iterations', 'mIoU', 'time', 'left', 'where', 'run']
    assert rows[1].split() == ['running', '20/100', '41.2', '0:01:20', 'GPU', '0', 'first']
    assert rows[-1] == '1 running, 1 waiting, 1 failed, 1 finished'


def test_a_small_terminal_shows_what_goes_on() -> None:
    rows = table(LINES, width=20, height=4).splitlines()
    assert len(rows) == 3
    assert rows[1].startswith('running')
    assert max(map(len, rows)) == 20


def test_a_terminal_renews_the_table() -> None:
    said: list[str] = []
    terminal, clock = Terminal(), Clock()
    display = Display(said.append, terminal, clock)
    display.show(lambda: LINES, states(LINES))
    first = terminal.getvalue()
    display.show(lambda: LINES, states(LINES))
    assert terminal.getvalue() == first
    clock.now = 3.0
    display.show(lambda: LINES, states(LINES))
    assert terminal.getvalue()[len(first) :].startswith(f'\x1b[{first.count(chr(10))}F\x1b[J')
    display.tell('a message')
    clock.now = 6.0
    display.show(lambda: LINES, states(LINES))
    assert terminal.getvalue().count('\x1b[') == 2
    assert said == ['a message']


def test_elsewhere_changes_are_lines_and_running_runs_report_now_and_then() -> None:
    said: list[str] = []
    clock = Clock()
    display = Display(said.append, io.StringIO(), clock)
    display.show(lambda: LINES[:2], states(LINES[:2]))
    display.show(lambda: LINES[:2], states(LINES[:2]))
    assert said == ['first: running on GPU 0, 20 of 100 iterations, mIoU 41.2, 0:01:20 to go']
    clock.now = 601.0
    display.show(lambda: LINES[:2], states(LINES[:2]))
    assert len(said) == 2
    display.show(lambda: LINES[2:], states(LINES[2:]))
    assert said[2:] == [
        'third: failed on GPU 1, 3 of 100 iterations',
        'fourth: finished, 100 of 100 iterations',
    ]


def test_progress_comes_from_the_log(tmp_path: Path) -> None:
    assert look('a', RUNNING, 10, tmp_path) == Line('a', RUNNING, 0, 10)
    log = tmp_path / '20260101_000000.log.json'
    log.touch()
    assert look('a', RUNNING, 10, tmp_path).done == 0
    lines = [
        {'seed': 0},
        {'mode': 'train', 'iter': 2, 'time': 1.0},
        {'mode': 'train', 'iter': 4, 'time': 3.0},
        {'mode': 'val', 'iter': 4, 'mIoU': 0.5},
    ]
    log.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    assert look('a', RUNNING, 10, tmp_path, 'GPU 1') == Line('a', RUNNING, 4, 10, 50.0, 12.0, 'GPU 1')
