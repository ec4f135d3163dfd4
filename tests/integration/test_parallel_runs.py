"""`run_experiments.py --exp ID --gpus N`: the runs of an experiment at the same time, with real trainings."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmseg.config.files import configs_folder
from mmseg.processes import children_of
from tests import warm
from tests.integration.disturbed import alive
from tests.integration.programs import ROOT

pytestmark = pytest.mark.slow

LIMIT = 400
"""Seconds to wait for what comes at once on an idle machine."""
PROGRAM = [str(ROOT / 'run_experiments.py')]
ROWS = [
    '--exp=101',
    '--startup-test',
    '--builtin-data',
    '--only',
    '*source-only*',
    '*target-only*',
]
SMALL = ['--cfg-options', 'model.backbone.type=mit_b0', 'model.decode_head.in_channels=[32,64,160,256]']
"""The published encoder takes most of the time of a run that makes two steps."""
ENDLESS = [*SMALL, 'runner.max_iters=50000', 'log_level=INFO', 'log_config.interval=1']


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder to start from."""
    (tmp_path / 'configs').mkdir()
    for path in configs_folder().resolve().iterdir():
        if path.name != 'generated':
            (tmp_path / 'configs' / path.name).symlink_to(path)
    return tmp_path


def environment() -> dict[str, str]:
    return {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}


def logs(place: Path) -> list[Path]:
    return sorted(place.glob('work_dirs/*/*/*.log.json'))


def begin(place: Path, *options: str) -> warm.Program:
    """The program in a session of its own, writing to files, until two runs have made steps."""
    with (place / 'out').open('wb') as out, (place / 'err').open('wb') as err:
        process = warm.start(
            [*PROGRAM, *ROWS, '--gpus=2', *ENDLESS, *options], cwd=place, env=environment(),
            start_new_session=True, stdout=out.fileno(), stderr=err.fileno(),
        )  # fmt: skip
    await_steps(place, process)
    return process


def await_steps(place: Path, process: warm.Program) -> None:
    end = time.monotonic() + LIMIT
    while len([log for log in logs(place) if log.read_text().count('"iter"') > 1]) < 2:
        assert process.poll() is None, (place / 'err').read_text() + (place / 'out').read_text()
        assert time.monotonic() < end, (place / 'out').read_text()
        time.sleep(0.1)


def await_end(processes: list[int]) -> None:
    end = time.monotonic() + LIMIT
    while sum(map(alive, processes)) and time.monotonic() < end:
        time.sleep(0.05)
    assert sum(map(alive, processes)) == 0


def test_two_at_a_time(place: Path) -> None:
    done = warm.run([*PROGRAM, *ROWS, '--gpus=2', *SMALL], cwd=place, env=environment(), timeout=LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(': running on core') == done.stdout.count(': finished on core') == 2
    assert '2 of 2 runs finished' in done.stdout
    consoles = sorted(place.glob('work_dirs/local-exp101-startup/*/console.txt'))
    assert len(consoles) == 2


@pytest.mark.parametrize(('number', 'group'), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_signal_ends_all_and_saves(number: int, group: bool, place: Path) -> None:
    process = begin(place)
    below = children_of(process.pid)
    assert len(below) == 2
    (os.killpg if group else os.kill)(process.pid, number)
    assert process.wait(LIMIT) == 128 + number, (place / 'err').read_text()
    await_end([process.pid, *below])
    errors = (place / 'err').read_text()
    assert '2 of the 2 that were running have a checkpoint. To go on:\n' in errors
    saved = {path.parent: int(path.stem[5:]) for path in place.glob('work_dirs/*/*/iter_*.pth')}
    assert len(saved) == 2
    again = errors.split('To go on:\n')[1].strip()
    most = max(saved.values()) + 1
    typed = subprocess.run(
        again.replace('max_iters=50000', f'max_iters={most}'), shell=True, cwd=place, env=environment(),
        capture_output=True, text=True, check=False, timeout=LIMIT,
    )  # fmt: skip
    assert typed.returncode == 0, typed.stdout + typed.stderr
    said = [(folder / 'console.txt').read_text() for folder in saved]
    assert all(f'Iter [{most}/{most}]' in text for text in said)
    assert all(f'at iteration {saved[folder]}' in text for folder, text in zip(saved, said, strict=True))


def test_a_killed_program_leaves_no_children(place: Path) -> None:
    process = begin(place)
    below = children_of(process.pid)
    process.kill()
    await_end(below)
    assert len(list(place.glob('work_dirs/*/*/iter_*.pth'))) == 2


def test_a_terminal_shows_a_table(place: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *PROGRAM, *ROWS, '--gpus=2', *SMALL], cwd=place, env=environment(), start_new_session=True,
        stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    said = b''
    while True:
        try:
            said += os.read(master, 4096)
        except OSError:
            break
    os.close(master)
    assert process.wait(LIMIT) == 0, said.decode()
    text = said.decode()
    assert re.search(r'state +iterations +mIoU +time left +where +run', text)
    assert '\x1b[' in text
    assert '2 finished' in text
    assert json.loads(logs(place)[0].read_text().splitlines()[0])['seed'] == 0
