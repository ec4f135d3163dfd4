"""Runs as jobs of a cluster, through submitit: an array of jobs, their states, their end."""

import contextlib
import os
import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmseg.errors import UsageError, UserError
from mmseg.places import PACKAGES
from mmseg.processes import Stopped
from mmseg.toolbox.experiments.children import CONSOLE
from mmseg.toolbox.experiments.display import (
    ENDED,
    FAILED,
    FINISHED,
    RUNNING,
    WAITING,
    Display,
    Line,
    look,
    table,
)
from mmseg.toolbox.experiments.handover import Handed, hand_over
from mmseg.toolbox.experiments.jobs import WORK_DIRS, ClusterOptions, Job, LaunchOptions
from mmseg.toolbox.experiments.submitted import RECORD, Submitted, note, noted

LOGS = 'submitit'
"""Folder of submitit's own logs, beside those of the runs."""

GRACE = 180
"""Seconds before the time limit at which a run is told to save and is queued again."""
MANY = 1000
"""How often a run may be queued again."""
LOOK_EVERY = 2.0

UNKNOWN = 'UNKNOWN'
SLURM_STATES = {
    'PENDING': WAITING,
    'REQUEUED': WAITING,
    'REQUEUE_HOLD': WAITING,
    'SUSPENDED': WAITING,
    UNKNOWN: WAITING,
    'RUNNING': RUNNING,
    'COMPLETING': RUNNING,
    'CONFIGURING': RUNNING,
}
"""States of jobs that have not ended."""


def run_on_cluster(
    jobs: Sequence[Job], options: LaunchOptions, cluster: ClusterOptions, say: Callable[[str], None]
) -> list[str] | None:
    """Submit runs; if asked to, show them until all have ended.

    Returns:
        Names of the runs that failed; None if nobody waits for them.

    Raises:
        UserError: submitit or the cluster is not there, or refuses the jobs.
        Stopped: a signal has ended the wait; the jobs go on.
    """
    folder = WORK_DIRS / jobs[0].folder
    names = {job.unique for job in jobs}
    there = [run for run in noted(folder) if run.run in names and _is_under_way(run, folder)]
    busy = {run.run for run in there}
    handed = {job.unique: hand_over(job, options) for job in jobs if job.unique not in busy}
    pending = {name: run for name, run in handed.items() if not run.finished}
    submitted = submit(pending, folder, options, cluster) if pending else []
    for word, runs in (('Submitted', submitted), ('Under way already:', there)):
        for run in runs:
            say(f'{word} {run.run} as job {run.job}: {run.work_dir}/{CONSOLE}')
    if cluster.wait:
        return watch([*there, *submitted], folder, options.command, say)
    queued = len(submitted) + len(there)
    say(
        f'{queued} runs are queued, {len(jobs) - queued} are finished already. Their states: '
        f'{as_status(options.command)}\nThe logs of the jobs are in {folder / LOGS}.'
    )
    return None


def submit(
    runs: dict[str, Handed], folder: Path, options: LaunchOptions, cluster: ClusterOptions
) -> list[Submitted]:
    """Submit runs as one array of jobs, and note their ids in ``folder``.

    Raises:
        UserError: see :func:`run_on_cluster`.
    """
    submitit = require(cluster.kind)
    from mmseg.toolbox.experiments.cluster_job import TrainRun  # late: it needs submitit

    tasks = max(options.gpus, 1)
    executor = submitit.AutoExecutor(
        folder=folder / LOGS, cluster=cluster.kind, slurm_max_num_timeout=MANY, local_max_num_timeout=MANY
    )
    path = os.pathsep.join([str(PACKAGES), *os.environ.get('PYTHONPATH', '').split(os.pathsep)]).strip(
        os.pathsep
    )
    os.environ['PYTHONPATH'] = path  # the job imports this package, installed or not
    loaders = max(run.workers for run in runs.values())
    executor.update_parameters(
        name=folder.name,
        timeout_min=cluster.minutes,
        tasks_per_node=tasks,
        gpus_per_node=options.gpus or None,
        cpus_per_task=cluster.cpus or loaders + 1,
        slurm_partition=cluster.partition,
        slurm_signal_delay_s=GRACE,
        slurm_array_parallelism=options.jobs or MANY,
        slurm_setup=[f'export PYTHONPATH={shlex.quote(path)}'],
        slurm_additional_parameters={'requeue': True, **cluster.further},
    )
    current = Path.cwd()
    calls = [TrainRun(run.config, run.work_dir, run.total, run.modules, current) for run in runs.values()]
    try:
        with executor.batch():
            jobs = [executor.submit(call) for call in calls]
    except (submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError) as error:
        raise UserError(f'The cluster refuses the jobs: {error}. Nothing was started.') from error
    made = [
        Submitted(name, job.job_id, cluster.kind, str(run.work_dir), run.total, tasks)
        for (name, run), job in zip(runs.items(), jobs, strict=True)
    ]
    note(folder, made)
    return made


def require(kind: str) -> Any:
    """The package submitit.

    Raises:
        UsageError: it is not installed, or this is no machine of a Slurm cluster.
    """
    try:
        import submitit
    except ImportError as error:
        raise UsageError(
            f'--machine slurm: submitit is not installed ({error}). Run "pip install submitit", or install this '
            'package with its extra: pip install ".[cluster]".'
        ) from error
    absent = [name for name in ('sbatch', 'srun', 'sacct') if kind == 'slurm' and shutil.which(name) is None]
    if absent:
        raise UsageError(
            f'--machine slurm: this machine has no {", ".join(absent)}. Expected a machine that submits jobs to Slurm; '
            '--machine submitit-local tries the same without a cluster, --machine local trains here.'
        )
    return submitit


def status(folder: Path) -> str:
    """A table of the runs that were submitted from a folder, and why some have failed.

    Raises:
        UserError: nothing was submitted, or submitit is not there.
    """
    submitted = noted(folder)
    if not submitted:
        raise UsageError(
            f'{folder}: nothing was submitted; expected {folder / RECORD}. Leave --status out to submit.'
        )
    lines, reasons = [], []
    for run in submitted:
        state, reason = state_of(run, folder)
        lines.append(_line(run, state))
        reasons += [f'{run.run} failed: {reason}'] if reason else []
    return '\n'.join([table(lines), *reasons])


def watch(
    submitted: Sequence[Submitted], folder: Path, command: str, say: Callable[[str], None]
) -> list[str]:
    """Show the runs until all have ended; returns the names of those that failed."""
    display = Display(say)
    states = {run.run: WAITING for run in submitted}
    try:
        while True:
            _renew(states, submitted, folder, display)
            display.show(lambda: [_line(run, states[run.run]) for run in submitted], states)
            if all(state in ENDED for state in states.values()):
                return [name for name, state in states.items() if state == FAILED]
            time.sleep(LOOK_EVERY)
    except Stopped as stopped:
        raise Stopped(
            stopped.number, f'The jobs go on without this program. Their states: {as_status(command)}'
        ) from stopped


def _renew(states: dict[str, str], submitted: Sequence[Submitted], folder: Path, display: Display) -> None:
    """Look at the jobs that have not ended; tell why others have failed."""
    for run in submitted:
        if states[run.run] in ENDED:
            continue
        states[run.run], reason = state_of(run, folder)
        if reason:
            display.tell(f'Job {run.run} failed: {reason}')


def state_of(run: Submitted, folder: Path) -> tuple[str, str]:
    """State of a run, and why it failed if it did."""
    job = _job(run, folder)
    parts = [job.task(number) for number in range(run.tasks)] if run.tasks > 1 else [job]
    if all(part.paths.result_pickle.exists() for part in parts):
        problems = [str(part.exception()) for part in parts if part.exception() is not None]
        return (FAILED, _last_error(problems[0])) if problems else (FINISHED, '')
    logs = f'its logs: {folder / LOGS}/{run.job}_*'
    if run.kind == 'slurm':
        word = _slurm_word(job)
        return (SLURM_STATES[word], '') if word in SLURM_STATES else (FAILED, f'Slurm says {word}; {logs}')
    return (RUNNING, '') if _is_there(int(run.job)) else (FAILED, f'its process is gone; {logs}')


def _is_under_way(run: Submitted, folder: Path) -> bool:
    """Whether the job of a run is known to wait or to run; of old jobs Slurm knows nothing any more."""
    if state_of(run, folder)[0] in ENDED:
        return False
    return run.kind != 'slurm' or _slurm_word(_job(run, folder)) != UNKNOWN


def _job(run: Submitted, folder: Path) -> Any:
    """A job as submitit knows it."""
    submitit = require(run.kind)
    job_class = submitit.SlurmJob if run.kind == 'slurm' else submitit.LocalJob
    return job_class(folder / LOGS, run.job, list(range(run.tasks)))


def _slurm_word(job: Any) -> str:
    """What Slurm calls the state of a job: 'CANCELLED by 1000' is 'CANCELLED'."""
    return str(job.state).split()[0].rstrip('+')


def as_status(command: str) -> str:
    """The command line that shows the states, from the one that goes on."""
    words = [word for word in shlex.split(command) if word not in ('--resume', '--wait')]
    return shlex.join([*words, '--status'])


def _line(run: Submitted, state: str) -> Line:
    return look(run.run, state, run.total, Path(run.work_dir), f'job {run.job}')


def _last_error(text: str) -> str:
    """The message at the end of a traceback."""
    _, mark, message = text.rpartition('TrainingError: ')
    return message.split('\n-----')[0].strip() if mark else text.strip()


def _is_there(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for is taken off first."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process, os.WNOHANG)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
