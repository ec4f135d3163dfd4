"""Training the runs of an experiment (docs/methods/experiments.md#launcher)."""

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import torch

from mmseg.config import load_config
from mmseg.engine.checkpoint import find_latest
from mmseg.engine.checkpoint_files import checkpoints
from mmseg.engine.signals import Interrupted, StopRequest
from mmseg.engine.train import train
from mmseg.errors import UserError
from mmseg.faults import described
from mmseg.places import ROOT
from mmseg.processes import Stopped, signal_name
from mmseg.toolbox.checking.preflight import preflight
from mmseg.toolbox.experiments import find_experiment
from mmseg.toolbox.experiments.children import Child, train_command
from mmseg.toolbox.experiments.handover import hand_over
from mmseg.toolbox.experiments.jobs import Job, LaunchOptions, plan_config, plan_experiment, write_job
from mmseg.toolbox.experiments.parallel import LOOK_EVERY, run_parallel
from mmseg.toolbox.experiments.startup import on_builtin_data, prepare_scenes
from mmseg.toolbox.reports.live import write_run_report

Say = Callable[[str], None]
FINISHED_ALREADY = 'This run is finished already.'


def run_experiment(exp: int | str, options: LaunchOptions, say: Say) -> None:
    """Train all runs of an experiment, with what belongs before and after.

    Raises:
        UserError: wrong arguments or configurations (before anything is trained), or failed runs (at the end).
        Interrupted: stopped by Ctrl-C; everything is saved.
    """
    experiment = find_experiment(exp)
    jobs = plan_experiment(exp, options)
    _run(jobs, options, say, experiment.before, '' if options.startup_test else experiment.after)


def run_config(path: Path, options: LaunchOptions, say: Say) -> None:
    """Train the run of a configuration file; raises like :func:`run_experiment`."""
    _run(plan_config(path, options), options, say)


def _run(jobs: list[Job], options: LaunchOptions, say: Say, before: str = '', after: str = '') -> None:
    if options.builtin_data:
        jobs = [replace(job, config=on_builtin_data(job.config)) for job in jobs]
        prepare_scenes()
    _call(before, jobs, say)
    for job in jobs:
        write_job(job)
    pending = [job for job in jobs if not (options.startup_test and job.seed != 0 and len(jobs) > 1)]
    failed = _work(pending, options, say)
    if failed is None:
        return
    if failed:
        raise UserError(
            f'{len(failed)} of {len(pending)} runs failed, see above: {", ".join(failed)}. To run the rest again or go '
            f'on where they stopped: {options.command}'
        )
    _call(after, jobs, say)
    say(f'{len(pending)} of {len(pending)} runs finished.')


def _work(jobs: list[Job], options: LaunchOptions, say: Say) -> list[str] | None:
    """Train runs where the options say; returns the names of those that failed, None if nobody waits for the end."""
    if options.cluster is not None:
        from mmseg.toolbox.experiments.cluster import run_on_cluster  # late: submitit is an extra

        return run_on_cluster(jobs, options, options.cluster, say)
    if options.jobs > 1 or options.gpus == 0:
        return run_parallel(jobs, options, say)
    return [
        job.unique for number, job in enumerate(jobs, 1) if not _attempt(job, options, say, number, len(jobs))
    ]


def _attempt(job: Job, options: LaunchOptions, say: Say, number: int, total: int) -> bool:
    """Train one run; a failure is reported and does not stop the others."""
    say(f'Run job {job.unique} ({number} of {total}, {job.work_dir})')
    try:
        _train(job, options, say)
    except (Interrupted, Stopped) as stopped:
        name, kept = signal_name(stopped.number), _kept(job, stopped)
        raise Interrupted(
            f'{job.unique} was stopped by {name} {kept}. To go on:\n{options.command}', stopped.number
        ) from stopped
    except Exception as error:
        known = described(error)
        if known is not None:
            say(f'Job {job.unique} failed: {known}')
            return False
        say(f'Job {job.unique} failed unexpectedly:\n{traceback.format_exc()}')
        return False
    finally:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return True


def _kept(job: Job, stopped: BaseException) -> str:
    """What there is of a run that was stopped."""
    if not checkpoints(job.work_dir):
        return 'before anything was to be saved'
    return 'and saved' if isinstance(stopped, Interrupted) else 'saving nothing since its last checkpoint'


def _train(job: Job, options: LaunchOptions, say: Say) -> None:
    if options.gpus > 1:
        _train_distributed(job, options, say)
        return
    cfg = load_config(job.file, options.cfg_options if job.resumed else None)
    if job.resumed and find_latest(job.work_dir).name == f'iter_{cfg.runner.max_iters}.pth':
        say(FINISHED_ALREADY)
    else:
        train(
            cfg, resume=job.resumed, look=preflight, resume_command=options.command, report=write_run_report
        )


def _train_distributed(job: Job, options: LaunchOptions, say: Say) -> None:
    handed = hand_over(job, options)
    if handed.finished:
        say(FINISHED_ALREADY)
        return
    command = train_command(handed.config, job.work_dir, options.gpus, handed.modules, job.resumed)
    with StopRequest() as stop:
        code = _run_child(command, stop)
    if stop.number is not None:
        raise Interrupted('stopped', stop.number)
    if code:
        raise UserError(
            f'torchrun left with exit code {code}; its messages stand above and in {job.work_dir}.'
        )


def run_program(name: str, words: Sequence[str]) -> int:
    """Run a program of this project to its end; returns its exit code.

    Raises:
        Interrupted: a signal came, which was handed on; the program has said how to go on.
    """
    with StopRequest() as stop:
        code = _run_child([sys.executable, str(ROOT / name), *words], stop)
    if stop.number is not None:
        raise Interrupted('', stop.number)
    return code


def _run_child(command: list[str], stop: StopRequest) -> int:
    """Run a program to its end and return its exit code; a signal is handed on to it, or to the ranks of torchrun."""
    child = Child(command)
    try:
        while child.poll() is None:
            time.sleep(LOOK_EVERY)
            if stop.number is not None:
                child.tell(stop.number)
    finally:
        child.end()
    code = child.poll()
    assert code is not None
    return code


def _call(target: str, jobs: list[Job], say: Say) -> None:
    """Call 'module:function' of an experiment."""
    if target:
        module, function = target.split(':')
        getattr(import_module(module), function)(jobs, say)
