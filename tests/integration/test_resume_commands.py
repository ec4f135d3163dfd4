"""What is printed after a stop works as typed: it is run by a shell, for every way to start a run."""

import contextlib
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmseg.processes import children_of
from tests import warm
from tests.integration.disturbed import alive
from tests.integration.programs import ROOT
from tests.integration.tiny import tiny_config, write_config

pytestmark = pytest.mark.slow

TRAIN, EXPERIMENTS = str(ROOT / 'tools' / 'train.py'), str(ROOT / 'run_experiments.py')
LIMIT = 400
"""Seconds to wait for what comes at once on an idle machine."""


@pytest.fixture
def place(tiny_data: Path, tmp_path: Path) -> Path:
    """A folder with odd characters in its name, where the programs are started, with a configuration."""
    folder = tmp_path / "it's odd; $HOME & ü"
    folder.mkdir()
    config = tiny_config(tiny_data, 'source_only')
    config['runner']['max_iters'] = 5000
    config['data'].update({'samples_per_gpu': 1, 'workers_per_gpu': 2})
    config['checkpoint_config']['interval'] = 5000
    config['log_config']['interval'] = 1
    config['name'] = 'odd name'
    write_config(folder, config)
    return folder


def environment() -> dict[str, str]:
    return {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT), 'PYTHON': sys.executable}


def begin(words: list[str], place: Path) -> subprocess.Popen[bytes] | warm.Program:
    """A program in a session of its own, writing to files in ``place``."""
    if words[0] in (TRAIN, EXPERIMENTS):
        with (place / 'out').open('wb') as out, (place / 'err').open('wb') as err:
            return warm.start(
                words, cwd=place, env=environment(), start_new_session=True,
                stdout=out.fileno(), stderr=err.fileno(),
            )  # fmt: skip
    return subprocess.Popen(
        words, cwd=place, env=environment(), start_new_session=True,
        stdout=(place / 'out').open('wb'), stderr=(place / 'err').open('wb'),
    )  # fmt: skip


def await_steps(log: Path, count: int = 3) -> None:
    """Wait until a run has logged a step."""
    end = time.monotonic() + LIMIT
    while not (log.is_file() and f'Iter [{count}/' in log.read_text(errors='replace')):
        assert time.monotonic() < end, log.read_text() + (log.parent / 'err').read_text()
        time.sleep(0.05)


def await_end(session: int) -> None:
    """Wait until nothing of a session is left."""
    end = time.monotonic() + LIMIT
    while alive(session) and time.monotonic() < end:
        time.sleep(0.05)
    assert alive(session) == 0


def go_on(errors: str, place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Have a shell do what was printed; no more steps than were saved are left, so it ends soon."""
    command = re.findall(r'To go on:\n(.*)', errors)[-1]
    more = ['--cfg-options', f'runner.max_iters={saved_iteration(errors) + 1}', *options]
    return subprocess.run(
        f'{command} {shlex.join(more)}', shell=True, cwd=place, env=environment(), capture_output=True, text=True,
        timeout=LIMIT, check=False,
    )  # fmt: skip


def saved_iteration(errors: str) -> int:
    return int(re.findall(r'Stopped after iteration (\d+), everything is saved', errors)[0])


def check_end(iteration: int, output: str) -> None:
    assert f'at iteration {iteration}' in output
    assert f'Iter [{iteration + 1}/{iteration + 1}]' in output


@pytest.mark.parametrize(
    ('words', 'code'),
    [
        ([TRAIN, 'odd name.json', '--work-dir=a run', '--no-val', '--cfg-options', 'optimizer.lr=1e-5', 'seed=3'], 143),
        (['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2', TRAIN, 'odd name.json',
          '--work-dir=-run', '--launcher=pytorch', '--no-validate'], 1),
    ],
    ids=['python', 'torchrun'],
)  # fmt: skip
def test_train(words: list[str], code: int, place: Path) -> None:
    process = begin([sys.executable, *words], place)
    await_steps(place / 'out')
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT) == code
    await_end(process.pid)
    errors = (place / 'err').read_text()
    typed = go_on(errors, place)
    assert typed.returncode == 0, typed.stderr
    check_end(saved_iteration(errors), typed.stdout)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGHUP])
def test_spawned_loader_processes(number: int, place: Path) -> None:
    """They are programs of their own, as everywhere but on Linux; the signal reaches them, too."""
    (place / 'spawned.py').write_text(
        "import multiprocessing\nmultiprocessing.set_start_method('spawn', force=True)\n"
    )
    words = [TRAIN, 'odd name.json', '--work-dir=run', '--no-validate', '--custom-imports', 'spawned']
    process = begin([sys.executable, *words], place)
    await_steps(place / 'out')
    commands = [Path(f'/proc/{child}/cmdline').read_text() for child in children_of(process.pid)]
    assert sum('spawn_main' in command for command in commands) == 2, commands
    os.killpg(process.pid, number)
    assert process.wait(LIMIT) == 128 + number, (place / 'err').read_text()
    await_end(process.pid)
    errors = (place / 'err').read_text()
    assert 'Traceback' not in errors
    typed = go_on(errors, place, 'data.workers_per_gpu=0')
    assert typed.returncode == 0, typed.stderr
    check_end(saved_iteration(errors), typed.stdout)


@pytest.mark.parametrize(
    ('number', 'group', 'options'),
    [
        (signal.SIGTERM, True, []),
        (signal.SIGINT, False, ['--gpus=2']),
        (signal.SIGTERM, False, ['--gpus=2']),
        (signal.SIGUSR1, True, ['--gpus=2']),
    ],
)
def test_run_experiments(number: int, group: bool, options: list[str], place: Path) -> None:
    """Alone, and with torchrun as a child, which is waited for."""
    process = begin([EXPERIMENTS, '--config=odd name.json', '--only', 'odd*', *options], place)
    await_steps(place / 'out')
    below = children_of(process.pid)
    ranks = [rank for child in below for rank in children_of(child)]
    (os.killpg if group else os.kill)(process.pid, number)
    assert process.wait(LIMIT) == 128 + number, (place / 'err').read_text()
    for session in (process.pid, *(below + ranks if options else [])):
        await_end(session)
    errors = (place / 'err').read_text()
    if not options:
        assert 'Traceback' not in errors
        typed = go_on(
            errors.replace('and saved.', f'Stopped after iteration {newest(place)}, everything is saved'),
            place,
        )
    else:
        assert len(ranks) == 2
        typed = go_on(errors, place)
    assert typed.returncode == 0, typed.stderr
    check_end(newest(place) - 1, typed.stdout)


@pytest.mark.parametrize(
    'words',
    [[TRAIN, 'odd name.json', '--work-dir=work_dirs/odd/run'], [EXPERIMENTS, '--config=odd name.json']],
    ids=['train', 'run_experiments'],
)
def test_closed_terminal(words: list[str], place: Path) -> None:
    """The system sends SIGHUP, and everything that is printed from then on is an error."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *words], cwd=place, env=environment(), start_new_session=True,
        stdin=slave, stdout=slave, stderr=slave, preexec_fn=lambda: os.close(os.open(os.ttyname(1), os.O_RDWR)),
    )  # fmt: skip
    os.close(slave)
    said = b''
    while b'Iter [3/' not in said:
        said += os.read(master, 4096)
    os.close(master)
    assert process.wait(LIMIT) == 129
    await_end(process.pid)
    assert newest(place) >= 3


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_several_processes_that_have_not_begun(number: int, place: Path) -> None:
    """They are there, but read their modules or the data."""
    process = begin([EXPERIMENTS, '--config=odd name.json', '--gpus=2'], place)
    end = time.monotonic() + LIMIT
    below = ranks = []
    while len(ranks) < 2 and time.monotonic() < end:
        below = children_of(process.pid)
        ranks = [rank for child in below for rank in children_of(child)]
        time.sleep(0.02)
    assert len(ranks) == 2
    process.send_signal(number)
    assert process.wait(LIMIT) == 128 + number, (place / 'err').read_text()
    for session in (process.pid, *below, *ranks):
        await_end(session)
    errors = (place / 'err').read_text()
    assert not list(place.glob('work_dirs/*/*/*.pth'))
    assert 'before anything was to be saved. To go on:\n' in errors


def newest(place: Path) -> int:
    """The last iteration that was saved."""
    return max(int(path.stem[5:]) for path in place.glob('work_dirs/*/*/iter_*.pth'))


TINY_EXPERIMENT = [
    *('--startup-test', '--builtin-data', '--only', '*source-only*'),
    *('--cfg-options', 'runner.max_iters=5000', 'log_level=INFO', 'log_config.interval=1'),
]


@pytest.mark.parametrize(
    ('script', 'what', 'options', 'number'),
    [
        ('run_config', 'odd name.json', [], signal.SIGTERM),
        ('run_exp', '101', TINY_EXPERIMENT, signal.SIGUSR1),
    ],
)
def test_scripts_in_the_background(
    script: str, what: str, options: list[str], number: int, place: Path
) -> None:
    """And on the device chosen there."""
    log = place / f'{script}_{what.removesuffix(".json")}.out'
    command = ['sh', str(ROOT / f'{script}.sh'), what, 'cpu', *options]
    started = subprocess.run(
        command, cwd=place, env=environment(), capture_output=True, text=True, check=True
    )
    (place / 'err').touch()
    with ended_with_the_test(started.stdout) as process:
        await_steps(log)
        os.kill(process, signal.SIGHUP)  # ignored under nohup
        await_steps(log, 5)
        os.kill(process, number)
        text = await_text(log, 'To go on')
    iteration, name = newest(place), signal.Signals(number).name
    typed = re.escape(shlex.join([what, 'cpu', '--resume']))
    assert re.search(rf'was stopped by {name} and saved. To go on:\nsh \S*/{script}.sh {typed}', text), text
    log.rename(place / 'first.out')
    errors = text.replace('and saved.', f'Stopped after iteration {iteration}, everything is saved')
    with ended_with_the_test(go_on(errors, place).stdout):
        check_end(iteration, await_text(log, 'of 1 runs finished'))


@contextlib.contextmanager
def ended_with_the_test(output: str) -> Iterator[int]:
    """The process that a script has started; what happens in the block, it does not stay."""
    process = int(re.search(r'process (\d+)', output)[1])
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def await_text(log: Path, wanted: str) -> str:
    """What a log says when it says that, too."""
    end = time.monotonic() + LIMIT
    while not (log.is_file() and wanted in log.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    return log.read_text()


def await_handler(process: int, number: int) -> None:
    """Until a program catches a signal: before its first line the interpreter's own starting is what a signal ends."""
    status, end = Path(f'/proc/{process}/status'), time.monotonic() + LIMIT
    caught = 0
    while not caught >> (number - 1) & 1 and time.monotonic() < end:
        time.sleep(0.01)
        caught = int(re.search(r'^SigCgt:\s*(\w+)', status.read_text(), re.MULTILINE)[1], 16)


@pytest.mark.parametrize('after', [0, 1.2])
@pytest.mark.parametrize('program', [[TRAIN, 'odd name.json'], [EXPERIMENTS, '--config=odd name.json']])
def test_before_there_is_anything_to_save(program: list[str], after: float, place: Path) -> None:
    process = begin([sys.executable, *program], place)
    await_handler(process.pid, signal.SIGTERM)
    time.sleep(after)
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT) == 143, (place / 'err').read_text()
    assert (
        'Stopped by SIGTERM' in (place / 'err').read_text()
        or 'was stopped by SIGTERM' in (place / 'err').read_text()
    )
