"""Runs as jobs, with submitit's own executor on this machine: told to leave, killed, queued again."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from mmseg.processes import children_of
from tests import warm
from tests.integration.programs import ROOT
from tests.integration.tiny import tiny_config, write_config

pytestmark = pytest.mark.slow

LIMIT = 400
"""Seconds to wait for what comes at once on an idle machine."""
LENGTH = 30


def run(place: Path, *words: str, code: int = 0) -> str:
    """A program from the folder ``place``; returns what it prints, to a file, which jobs may keep open."""
    with (place / 'said').open('w') as said:
        environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
        done = warm.start(
            list(words), cwd=place, stdout=said.fileno(), stderr=said.fileno(), env=environment
        ).wait(LIMIT)
    text = (place / 'said').read_text()
    assert done == code, text
    return text


def experiments(config: Path, *options: str, code: int = 0) -> str:
    """`run_experiments.py` with submitit's local executor."""
    words = [str(ROOT / 'run_experiments.py'), f'--config={config}', '--machine=submitit-local', *options]
    return run(config.parent, *words, code=code)


@pytest.fixture
def config(tiny_data: Path, tmp_path: Path) -> Path:
    config = tiny_config(tiny_data, 'dacs')
    config['runner']['max_iters'] = LENGTH
    config['data']['samples_per_gpu'] = 1
    config['checkpoint_config']['interval'] = 5
    config['evaluation']['interval'] = LENGTH
    config['log_config']['interval'] = 1
    return write_config(tmp_path, config)


def submitted(place: Path) -> dict[str, str]:
    """The newest job."""
    return json.loads(next(place.glob('work_dirs/*/submitted.json')).read_text())[-1]


def await_steps(place: Path, step: int) -> tuple[Path, list[int]]:
    """Wait until a run has made steps; returns its work folder and the processes of its job."""
    job = submitted(place)
    folder = place / job['work_dir']
    end = time.monotonic() + LIMIT
    while not any(f'Iter [{step}/' in text for text in console(folder)):
        assert time.monotonic() < end, console(folder)
        time.sleep(0.05)
    return folder, children_of(int(job['job']))


def console(folder: Path) -> list[str]:
    path = folder / 'console.txt'
    return path.read_text().splitlines() if path.is_file() else []


def await_state(config: Path, state: str) -> str:
    end = time.monotonic() + LIMIT
    while f'1 {state}' not in (text := experiments(config, '--status')):
        assert time.monotonic() < end, text
        time.sleep(1)
    return text


@pytest.mark.parametrize(
    'gpus', [0, pytest.param(2, marks=pytest.mark.ranks)], ids=['one process', 'two processes']
)
def test_a_preempted_run_is_queued_again_and_goes_on(gpus: int, config: Path) -> None:
    """What Slurm sends before the time limit and before a pre-emption reaches the processes of the job."""
    said = experiments(config, f'--gpus={gpus}')
    assert 'Submitted ' in said
    assert '--machine=submitit-local --status' in said
    folder, tasks = await_steps(config.parent, 3)
    assert len(tasks) == max(gpus, 1)
    for task in tasks:
        os.kill(task, signal.SIGUSR2)
    await_state(config, 'finished')
    text = '\n'.join(console(folder))
    assert text.count('Resumed from') == 1
    assert 'Stopped by SIGTERM. Stopped after iteration' in text
    if gpus:
        return
    run(config.parent, str(ROOT / 'tools/train.py'), config.name, '--work-dir=undisturbed')
    one, other = (
        torch.load(path / f'iter_{LENGTH}.pth', weights_only=True)['state_dict']
        for path in (folder, config.parent / 'undisturbed')
    )
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_a_killed_run_is_told_and_resumed(config: Path) -> None:
    experiments(config, '--gpus=0')
    folder, (task,) = await_steps(config.parent, 7)
    (training,) = children_of(task)
    os.kill(training, signal.SIGKILL)
    assert 'exit code -9' in await_state(config, 'failed')
    said = experiments(config, '--gpus=0', '--resume', '--wait')
    assert '1 of 1 runs finished' in said
    assert (folder / f'iter_{LENGTH}.pth').is_file()
    assert any('Resumed from' in line for line in console(folder))
    assert '1 finished' in experiments(config, '--status')
