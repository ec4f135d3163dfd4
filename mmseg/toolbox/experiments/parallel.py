"""Several runs of an experiment at the same time on this machine, one for each GPU or group of cores."""

import os
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import torch

from mmseg.engine.checkpoint_files import checkpoints
from mmseg.engine.signals import Interrupted, StopRequest
from mmseg.errors import UsageError
from mmseg.faults import described
from mmseg.processes import Stopped, signal_name
from mmseg.toolbox.experiments.children import CONSOLE, Child, Place, last_words, train_command
from mmseg.toolbox.experiments.display import FAILED, FINISHED, RUNNING, STOPPED, WAITING, Display, Line, look
from mmseg.toolbox.experiments.handover import hand_over
from mmseg.toolbox.experiments.jobs import Job, LaunchOptions

LOOK_EVERY = 0.2
"""Seconds between two looks at the children."""

VISIBLE = 'CUDA_VISIBLE_DEVICES'
THREADS = 'OMP_NUM_THREADS'


@dataclass
class Run:
    """A run of the series.

    Attributes:
        job: what is to be trained.
        state: see :class:`mmseg.toolbox.experiments.display.Line`.
        total: iterations that it is to have; 0 before its configuration was read.
        place: where it computes or computed.
        child: its process.
        error: why it failed.
    """

    job: Job
    state: str = WAITING
    total: int = 0
    place: Place = field(default_factory=Place)
    child: Child | None = None
    error: str = ''

    def line(self) -> Line:
        """What tables show."""
        return look(self.job.unique, self.state, self.total, self.job.work_dir, self.place.name)


def places_of(options: LaunchOptions) -> list[Place]:
    """One place for each run at a time.

    Raises:
        UsageError: there are fewer GPUs than asked for, or they cannot be shared out evenly.
    """
    each = max(options.gpus // options.jobs, 1)
    if not options.gpus or not torch.cuda.is_available():
        return _core_groups(options.jobs, each)
    if options.gpus % options.jobs:
        raise UsageError(
            f'--gpus {options.gpus} --jobs {options.jobs}: {options.gpus} GPUs cannot be shared out evenly among '
            f'{options.jobs} runs; expected a multiple, or --gpus 0 to use none.'
        )
    return _gpus(options.gpus, each)


def _gpus(count: int, each: int) -> list[Place]:
    present = torch.cuda.device_count()
    if count > present:
        raise UsageError(f'--gpus {count}: this machine has {present} (see {VISIBLE}).')
    visible = os.environ.get(VISIBLE)
    names = visible.split(',')[:count] if visible else [str(number) for number in range(count)]
    groups = [names[start : start + each] for start in range(0, count, each)]
    return [Place(f'GPU {", ".join(group)}', each, {VISIBLE: ','.join(group)}) for group in groups]


def _core_groups(jobs: int, each: int) -> list[Place]:
    """Groups of cores of about the same size; runs share one where there are fewer cores than runs."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else []
    count = len(cores) or os.cpu_count() or 1
    bounds = [count * number // jobs for number in range(jobs + 1)]
    groups = [
        tuple(cores[first:last]) or tuple(cores[number % count : number % count + 1])
        for number, (first, last) in enumerate(pairwise(bounds))
    ]
    threads = {} if THREADS in os.environ else {THREADS: str(max(count // (jobs * each), 1))}
    return [Place(_cores(group), each, {VISIBLE: '', **threads}, group) for group in groups]


def _cores(group: Sequence[int]) -> str:
    if not group:
        return 'CPU'
    return f'core {group[0]}' if len(group) == 1 else f'cores {group[0]}-{group[-1]}'


def run_parallel(jobs: Sequence[Job], options: LaunchOptions, say: Callable[[str], None]) -> list[str]:
    """Train runs, as many at a time as there are places; one that fails does not stop the others.

    Returns:
        Names of the runs that failed.

    Raises:
        UsageError: there are no such places.
        Interrupted: a signal has stopped them; every child was given the time to save, unless a second Ctrl-C came.
    """
    places = places_of(options)
    runs = [Run(job) for job in jobs]
    display = Display(say)
    if len(places) > len(runs):
        say(
            f'{len(runs)} runs in {len(places)} places: {len(places) - len(runs)} stay empty (--jobs shares out GPUs).'
        )
    with StopRequest() as stop:
        try:
            _work(runs, places, options, display, stop)
        except Stopped as stopped:
            raise _interrupted(runs, options, stopped.number) from stopped
        finally:
            for child in [run.child for run in runs if run.child is not None]:
                child.end()
        if stop.number is not None:
            raise _interrupted(runs, options, stop.number)
    return [run.job.unique for run in runs if run.state == FAILED]


def _work(
    runs: Sequence[Run], places: Sequence[Place], options: LaunchOptions, display: Display, stop: StopRequest
) -> None:
    """Start runs where there is room, look after them, until all have ended."""
    free = list(places)
    while True:
        for run in runs:
            if run.state == WAITING and free and not stop.requested:
                _start(run, options, free, display)
        for run in runs:
            _attend(run, stop.number, free, display)
        display.show(lambda: [run.line() for run in runs], {run.job.unique: run.state for run in runs})
        if not any(run.state == RUNNING or (run.state == WAITING and not stop.requested) for run in runs):
            return
        time.sleep(LOOK_EVERY)


def _start(run: Run, options: LaunchOptions, free: list[Place], display: Display) -> None:
    """Take a free place for a run; it stays free where the run cannot be started or is finished."""
    run.place = free[0]
    try:
        handed = hand_over(run.job, options)
    except Exception as error:  # whatever is wrong with one run, the others go on
        _fail(run, str(described(error) or traceback.format_exc()), display)
        return
    run.total = handed.total
    if handed.finished:
        run.state = FINISHED
        return
    command = train_command(
        handed.config, handed.work_dir, run.place.processes, handed.modules, run.job.resumed
    )
    run.state, run.child = RUNNING, Child(command, run.job.work_dir / CONSOLE, free.pop(0))


def _attend(run: Run, number: int | None, free: list[Place], display: Display) -> None:
    """Hand a signal on to a run, see whether it has ended."""
    if run.child is None or run.state != RUNNING:
        return
    code = run.child.poll()
    if code is None:
        if number is not None:
            run.child.tell(number)
        return
    free.append(run.place)
    if code == 0:
        run.state = FINISHED
    elif number is not None:
        run.state = STOPPED
    else:
        console = run.job.work_dir / CONSOLE
        _fail(run, f'exit code {code}; the end of {console}:\n{last_words(console)}', display)


def _fail(run: Run, error: str, display: Display) -> None:
    run.state, run.error = FAILED, error
    display.tell(f'Job {run.job.unique} failed: {error}')


def _interrupted(runs: Sequence[Run], options: LaunchOptions, number: int) -> Interrupted:
    begun = [run for run in runs if run.state in (RUNNING, STOPPED)]
    saved = [run for run in begun if checkpoints(Path(run.job.work_dir))]
    return Interrupted(
        f'Stopped by {signal_name(number)}: {sum(run.state == FINISHED for run in runs)} of {len(runs)} runs are '
        f'finished, {len(saved)} of the {len(begun)} that were running have a checkpoint. To go on:\n{options.command}',
        number,
    )
