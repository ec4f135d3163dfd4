"""What is submitted to a cluster, and what is known of it afterwards; sbatch and sacct are scripts of the test."""

import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import submitit
from submitit.core.utils import cloudpickle_dump

from mmseg.engine.work_folder import reserved
from mmseg.errors import UsageError, UserError
from mmseg.processes import Stopped
from mmseg.toolbox.experiments import cluster
from mmseg.toolbox.experiments.cluster import as_status, require, run_on_cluster, status
from mmseg.toolbox.experiments.cluster_job import TrainRun
from mmseg.toolbox.experiments.handover import Handed
from mmseg.toolbox.experiments.jobs import ClusterOptions, Job, LaunchOptions
from mmseg.toolbox.experiments.launch import run_experiment
from mmseg.toolbox.experiments.submitted import noted

SLURM = ClusterOptions('slurm', 'gpu', 90, None, {'account': 'vision'})
FOLDER = Path('work_dirs/slurm-exp7')


def script(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o755)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with programs of Slurm's names first in PATH; the current folder is empty."""
    programs = tmp_path / 'bin'
    programs.mkdir()
    script(programs, 'sbatch', f'cp "$1" {programs}/submitted.sh; echo Submitted batch job 12')
    script(programs, 'srun', 'exit 1')
    script(programs, 'sacct', f'cat {programs}/states')
    (programs / 'states').write_text('')
    monkeypatch.setenv('PATH', f'{programs}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.chdir(tmp_path)
    submitit.SlurmJob.watcher.clear()
    return programs


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Two runs; the configuration is not read."""
    made = [Job(7, f'run_s{seed}', f'run_s{seed}', 'slurm-exp7', {}) for seed in range(2)]
    handed = {
        job.unique: Handed(job.work_dir / 'c.json', job.work_dir, 40, 4, ('own.parts',)) for job in made
    }
    monkeypatch.setattr(cluster, 'hand_over', lambda job, options: handed[job.unique])
    return made


def states(slurm: Path, *words: str) -> None:
    lines = [f'12_{number}|{word}|node1' for number, word in enumerate(words)]
    (slurm / 'states').write_text('\n'.join(['JobID|State|NodeList', *lines]))
    submitit.SlurmJob.watcher.clear()


def finish(number: int, outcome: str, text: str) -> None:
    """What submitit leaves when the function of a job has ended."""
    cloudpickle_dump(
        (outcome, text), submitit.SlurmJob(FOLDER / 'submitit', f'12_{number}').paths.result_pickle
    )


def test_runs_are_submitted_as_one_array(slurm: Path, jobs: list[Job]) -> None:
    said: list[str] = []
    options = LaunchOptions(
        gpus=2, jobs=3, command='python run_experiments.py --exp=7 --resume --machine=slurm'
    )
    assert run_on_cluster(jobs, options, SLURM, said.append) is None
    text = (slurm / 'submitted.sh').read_text()
    for line in (
        'array=0-1%2', 'partition=gpu', 'time=90', 'gpus-per-node=2', 'ntasks-per-node=2', 'cpus-per-task=5',
        'signal=USR2@180', 'requeue', 'account=vision', 'job-name=slurm-exp7', 'open-mode=append',
    ):  # fmt: skip
        assert re.search(rf'^#SBATCH --{line}$', text, re.MULTILINE), (line, text)
    assert 'export PYTHONPATH=' in text
    assert [line.split()[-1] for line in said[:2]] == [f'{job.work_dir}/console.txt' for job in jobs]
    assert 'python run_experiments.py --exp=7 --machine=slurm --status' in said[2]
    call = submitit.SlurmJob(FOLDER / 'submitit', '12_1').submission().function
    assert (call.config, call.modules, call.current) == (
        jobs[1].work_dir / 'c.json',
        ('own.parts',),
        Path.cwd(),
    )


def test_states_and_reasons(slurm: Path, jobs: list[Job]) -> None:
    run_on_cluster(jobs, LaunchOptions(jobs=0), SLURM, lambda _: None)
    states(slurm, 'RUNNING', 'PENDING')
    text = status(FOLDER)
    assert text.splitlines()[1].split()[0] == 'running'
    assert text.splitlines()[-1] == '1 running, 1 waiting'
    states(slurm, 'COMPLETED', 'CANCELLED by 1000')
    finish(0, 'error', 'Traceback\n  x\nmmseg.errors.TrainingError: run_s0: exit code 3; bad luck\n')
    text = status(FOLDER)
    assert 'run_s0 failed: run_s0: exit code 3; bad luck' in text
    assert f'run_s1 failed: Slurm says CANCELLED; its logs: {FOLDER}/submitit/12_1_*' in text
    finish(1, 'success', 'folder')
    assert status(FOLDER).splitlines()[2].split()[0] == 'finished'


def test_jobs_that_are_under_way_are_not_submitted_again(slurm: Path, jobs: list[Job]) -> None:
    run_on_cluster(jobs, LaunchOptions(jobs=0), SLURM, lambda _: None)
    (slurm / 'submitted.sh').unlink()
    states(slurm, 'RUNNING', 'PENDING')
    said: list[str] = []
    run_on_cluster(jobs, LaunchOptions(jobs=0), SLURM, said.append)
    assert said[0].startswith('Under way already: run_s0 as job 12_0')
    assert '2 runs are queued, 0 are finished already' in said[2]
    assert not (slurm / 'submitted.sh').exists()
    states(slurm, 'RUNNING', 'FAILED')
    run_on_cluster(jobs, LaunchOptions(jobs=0), SLURM, said.append)
    assert (slurm / 'submitted.sh').exists()
    assert [line.split(' as ')[0] for line in said[3:5]] == ['Submitted run_s1', 'Under way already: run_s0']


def test_going_on_leaves_alone_what_is_queued(workspace: Path, slurm: Path) -> None:
    """Runs that wait or train have no checkpoint yet, or are in use: none is submitted twice, none is touched."""
    options = LaunchOptions(machine='slurm', jobs=0, cluster=SLURM)
    said: list[str] = []
    run_experiment('daformer-7', options, said.append)
    first = {run.run for run in noted(Path('work_dirs/slurm-expdaformer-7'))}
    assert len(first) == 3
    states(slurm, 'RUNNING', 'PENDING', 'FAILED')
    (slurm / 'submitted.sh').unlink()
    running, _, failed = sorted(Path('work_dirs/slurm-expdaformer-7').glob('*_s[0-9]_*'))
    (running / 'iter_5.pth').touch()
    with reserved(running):
        run_experiment('daformer-7', replace(options, resume=True), said.append)
    assert {run.run for run in noted(Path('work_dirs/slurm-expdaformer-7'))} == first
    assert sum('Under way already' in line for line in said) == 2
    assert 'array' not in (slurm / 'submitted.sh').read_text()  # a single job: the one that failed
    assert [line.split(' as ')[0] for line in said if line.startswith('Submitted')][3:] == [
        f'Submitted {failed.name}'
    ]


def test_a_job_goes_on_from_any_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It died after an evaluation that was the best so far, and before the first interval of checkpoints."""
    commands: list[list[str]] = []

    class Told(Exception):
        pass

    def child(command: list[str], console: Path | None) -> None:
        commands.append(command)
        raise Told

    monkeypatch.setattr('mmseg.toolbox.experiments.cluster_job.Child', child)
    monkeypatch.setattr(submitit, 'JobEnvironment', lambda: SimpleNamespace(num_tasks=1, global_rank=0))
    call = TrainRun(tmp_path / 'c.json', tmp_path, 6, (), tmp_path)
    for name in (None, 'nonfinite_iter_3.pth', 'best_mIoU_iter_2.pth'):
        if name is not None:
            (tmp_path / name).touch()
        with pytest.raises(Told):
            call()
    assert ['--resume' in command for command in commands] == [False, False, True]


def test_waiting_ends_with_the_names_of_failed_runs(slurm: Path, jobs: list[Job]) -> None:
    waiting = ClusterOptions('slurm', wait=True)
    (FOLDER / 'submitit').mkdir(parents=True)
    finish(0, 'success', 'folder')
    finish(1, 'error', 'mmseg.errors.TrainingError: no data')
    said: list[str] = []
    assert run_on_cluster(jobs, LaunchOptions(jobs=0), waiting, said.append) == ['run_s1']
    assert 'Job run_s1 failed: no data' in said


def test_a_signal_ends_the_wait_and_not_the_jobs(
    slurm: Path, jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: float) -> None:
        raise Stopped(2)

    monkeypatch.setattr('mmseg.toolbox.experiments.cluster.time.sleep', interrupted)
    states(slurm, 'RUNNING', 'RUNNING')
    with pytest.raises(Stopped, match='The jobs go on without this program.*x --status'):
        run_on_cluster(
            jobs, LaunchOptions(jobs=0, command='x --resume'), ClusterOptions('slurm', wait=True), print
        )


def test_a_refusal_of_the_cluster_is_told(slurm: Path, jobs: list[Job]) -> None:
    script(slurm, 'sbatch', 'echo invalid partition specified: gpu >&2; exit 1')
    with pytest.raises(UserError, match='The cluster refuses the jobs.*invalid partition'):
        run_on_cluster(jobs, LaunchOptions(jobs=0), SLURM, lambda _: None)


def test_without_slurm_or_submitit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(UsageError, match='this machine has no sbatch, srun, sacct'):
        require('slurm')
    monkeypatch.setitem(sys.modules, 'submitit', None)
    with pytest.raises(UsageError, match=r'pip install ".\[cluster\]"'):
        require('slurm')


def test_nothing_was_submitted(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='nothing was submitted'):
        status(tmp_path)
    assert as_status('python x --resume --exp=7 --wait') == 'python x --exp=7 --status'


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    (tmp_path / 'iter_6.pth').touch()
    run = TrainRun(tmp_path / 'c.json', tmp_path, 6, (), tmp_path)
    assert run() == str(tmp_path)
    assert run.checkpoint().function == run
