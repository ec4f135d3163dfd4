"""Programs whose terminal is closed, or whose pipe has lost its reader, finish what they have to do."""

import errno
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg.cli import run_cli, run_lasting
from mmseg.terminal import READER_GONE, outliving

PROGRAM = """
import signal, sys, time
from mmseg.cli import {decorator}
from mmseg.engine.signals import StopRequest
from mmseg.processes import Stopped

@{decorator}
def main():
    with StopRequest() as stop:
        print('ready', flush=True)
        for _ in range(3000):
            if stop.requested or {waits_for_nothing}:
                break
            time.sleep(0.01)
        time.sleep(0.2)
        for number in range(3):
            print('nobody reads this', flush=True)
            sys.stderr.write('nor this')
    open(sys.argv[1], 'w').write('saved')
    raise Stopped(stop.number or signal.SIGTERM)

main()
"""


def take_terminal() -> None:
    """Become the program that is told when the terminal closes."""
    if os.isatty(1):
        os.close(os.open(os.ttyname(1), os.O_RDWR))


def start(
    folder: Path, output: int, decorator: str, waits_for_nothing: bool = False
) -> subprocess.Popen[bytes]:
    text = PROGRAM.format(decorator=decorator, waits_for_nothing=waits_for_nothing)
    return subprocess.Popen(
        [sys.executable, '-c', text, str(folder / 'work')], stdin=output, stdout=output, stderr=output,
        start_new_session=True, preexec_fn=take_terminal,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize('decorator', ['run_cli', 'run_lasting'])
def test_closed_terminal(decorator: str, tmp_path: Path) -> None:
    """SIGHUP comes from the system, as the terminal is that of the session."""
    master, slave = pty.openpty()
    program = start(tmp_path, slave, decorator)
    os.close(slave)
    assert b'ready' in os.read(master, 100)
    os.close(master)
    assert program.wait(60) == 129
    assert (tmp_path / 'work').read_text() == 'saved'


@pytest.mark.slow
def test_reader_of_a_lasting_program_leaves(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    program = start(tmp_path, writing, 'run_lasting', waits_for_nothing=True)
    os.close(writing)
    assert b'ready' in os.read(reading, 100)
    os.close(reading)
    assert program.wait(60) == 143
    assert (tmp_path / 'work').read_text() == 'saved'


def test_reader_of_a_short_program_leaves(tmp_path: Path) -> None:
    """As with ``| head``: it ends without a word."""
    text = 'from mmseg.cli import run_cli\n@run_cli\ndef main():\n    while True: print("more")\nmain()'
    program = subprocess.Popen([sys.executable, '-c', text], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.readline()
    program.stdout.close()
    assert (program.stderr.read(), program.wait(60)) == (b'', 0)
    program.stderr.close()


@pytest.mark.parametrize('decorate', [run_cli, run_lasting])
def test_another_broken_pipe_is_a_defect(decorate: object) -> None:
    """That of a process which was to make batches is none of standard output."""

    @decorate  # type: ignore[operator, untyped-decorator]
    def main() -> None:
        raise BrokenPipeError(errno.EPIPE, 'Broken pipe')

    with pytest.raises(BrokenPipeError):
        main()


def test_streams_are_put_back_and_other_errors_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path('/dev/full').open('w') as full:
        monkeypatch.setattr(sys, 'stdout', full)
        with outliving(READER_GONE):
            sys.stdout.write('x')
            with pytest.raises(OSError, match='No space left'):
                sys.stdout.flush()
        assert sys.stdout is full
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
