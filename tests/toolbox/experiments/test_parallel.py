"""Several runs at the same time: places, order, failures. Real trainings: tests/integration/test_parallel_runs.py."""

import os
import sys
from pathlib import Path

import pytest
import torch

from mmseg.errors import DataError, UsageError, UserError
from mmseg.toolbox.experiments import parallel
from mmseg.toolbox.experiments.children import CONSOLE
from mmseg.toolbox.experiments.handover import Handed
from mmseg.toolbox.experiments.jobs import Job, LaunchOptions
from mmseg.toolbox.experiments.launch import run_experiment
from mmseg.toolbox.experiments.parallel import places_of, run_parallel


def with_gpus(monkeypatch: pytest.MonkeyPatch, count: int, visible: str | None = None) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)
    if visible is None:
        monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    else:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', visible)


def test_gpus_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpus(monkeypatch, 4)
    assert [place.environment['CUDA_VISIBLE_DEVICES'] for place in places_of(LaunchOptions(gpus=4, jobs=4))] == [
        '0', '1', '2', '3'
    ]  # fmt: skip
    first, second = places_of(LaunchOptions(gpus=4, jobs=2))
    assert (first.name, first.processes, second.environment) == (
        'GPU 0, 1',
        2,
        {'CUDA_VISIBLE_DEVICES': '2,3'},
    )
    with_gpus(monkeypatch, 2, '5,GPU-12ab')
    assert [place.name for place in places_of(LaunchOptions(gpus=2, jobs=2))] == ['GPU 5', 'GPU GPU-12ab']


@pytest.mark.parametrize(
    ('gpus', 'jobs', 'message'), [(3, 2, 'shared out evenly'), (4, 4, 'this machine has 2')]
)
def test_gpus_that_are_not_there(gpus: int, jobs: int, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpus(monkeypatch, 2)
    with pytest.raises(UsageError, match=message):
        places_of(LaunchOptions(gpus=gpus, jobs=jobs))


@pytest.mark.skipif(not hasattr(os, 'sched_getaffinity'), reason='the system binds no processes to cores')
def test_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpus(monkeypatch, 0)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: {0, 1, 2, 3, 8})
    first, second = places_of(LaunchOptions(gpus=2, jobs=2))
    assert (first.cores, second.cores) == ((0, 1), (2, 3, 8))
    assert first.environment == {'CUDA_VISIBLE_DEVICES': '', 'OMP_NUM_THREADS': '2'}
    assert all(place.cores for place in places_of(LaunchOptions(gpus=0, jobs=7)))
    assert [place.processes for place in places_of(LaunchOptions(gpus=1, jobs=2))] == [1, 1]


def programs(monkeypatch: pytest.MonkeyPatch, **codes: str) -> None:
    """Runs are short Python programs, by the part of the name they belong to."""

    def program_of(job: Job) -> str:
        return next((text for part, text in codes.items() if part in job.name), 'pass')

    def hand_over(job: Job, options: LaunchOptions) -> Handed:
        program = program_of(job)
        if program == 'no data':
            raise DataError('no pictures')
        if program == 'defect':
            raise ZeroDivisionError
        job.work_dir.mkdir(parents=True)
        return Handed(Path(program), job.work_dir, 6, 0, (), program == 'done')

    monkeypatch.setattr(parallel, 'hand_over', hand_over)
    monkeypatch.setattr(parallel, 'train_command', lambda program, *_: [sys.executable, '-c', str(program)])


def test_a_run_that_fails_does_not_stop_the_others(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpus(monkeypatch, 0)
    programs(monkeypatch, _s0='print("bad luck"); raise SystemExit(3)', _s1='no data')
    said: list[str] = []
    with pytest.raises(UserError, match='2 of 3 runs failed, see above') as caught:
        run_experiment('daformer-7', LaunchOptions(gpus=0, jobs=2, command='again'), said.append)
    assert 'again' in str(caught.value)
    text = '\n'.join(said)
    assert 'exit code 3' in text
    assert 'bad luck' in text
    assert 'failed: no pictures' in text
    assert text.count(': finished') == 1


def test_defects_and_finished_runs(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpus(monkeypatch, 0)
    programs(monkeypatch, _s0='defect', _s1='done')
    said: list[str] = []
    with pytest.raises(UserError, match='1 of 3 runs failed'):
        run_experiment('daformer-7', LaunchOptions(gpus=0, jobs=1), said.append)
    assert any('ZeroDivisionError' in line for line in said)


def test_no_more_at_a_time_than_there_are_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each program waits until as many have begun as there are places, and looks whether there are more."""
    monkeypatch.chdir(tmp_path)
    with_gpus(monkeypatch, 0)
    program = (
        'import os, pathlib, time\n'
        'here = pathlib.Path("begun"); here.mkdir(exist_ok=True); mine = here / str(os.getpid()); mine.touch()\n'
        'most = 0\n'
        'for _ in range(15):\n'
        '    most = max(most, len(list(here.iterdir()))); time.sleep(0.1)\n'
        'mine.unlink()\n'
        'print(os.environ["CUDA_VISIBLE_DEVICES"] == "", most)\n'
    )
    programs(monkeypatch, run=program)
    jobs = [Job('x', f'run{number}', f'run{number}', 'x', {}) for number in range(4)]
    assert run_parallel(jobs, LaunchOptions(gpus=0, jobs=2), lambda _: None) == []
    printed = {job.name: (job.work_dir / CONSOLE).read_text() for job in jobs}
    assert set(printed.values()) <= {'True 1\n', 'True 2\n'}
    assert 'True 2\n' in printed.values()
