"""The iteration loop: one screen, in the order things happen."""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mmseg.batch import Batch, on_device
from mmseg.config.translate import TrainSettings
from mmseg.datasets.feeding import GivenUp
from mmseg.engine.distributed import any_rank
from mmseg.engine.log_window import MetricWindow
from mmseg.engine.optimizer import GuardedOptimWrapper, set_learning_rates
from mmseg.engine.safeguard import Safeguard
from mmseg.engine.signals import StopRequest
from mmseg.faults import described
from mmseg.ranks import world_size
from mmseg.uda.trainable import Trainable

STOP_INTERVAL = 10
"""Steps between two exchanges of stop requests among processes; each one waits for the device."""


class ClosableBatches(Iterator[Batch], Protocol):
    """Batches in order, and a way to end the processes that make them."""

    def close(self) -> None:
        """No more are wanted."""


class Batches(Protocol):
    """What gives batches in order."""

    def __iter__(self) -> ClosableBatches:
        """From the first one."""


class Hook:
    """Something that happens around iterations; every method may be left out."""

    def before_run(self, run: 'Run') -> None:
        """Called once, when everything is built and restored."""

    def after_iteration(self, run: 'Run') -> None:
        """Called after each step; ``run.iteration`` counts the finished ones."""

    def after_run(self, run: 'Run') -> None:
        """Called once, when the loop ends or is stopped; the last hook first."""


@dataclass
class Run:
    """One training run.

    Attributes:
        trainable: what is trained, on ``device``.
        optimizer: over all its parameters.
        settings: length, seed, schedule, intervals.
        batches: returns the batches from an iteration on.
        hooks: called in order.
        work_dir: folder of logs and checkpoints.
        meta: what checkpoints tell about the run (docs/methods/tools.md#checkpoints).
        modules: those that programs must be told to import, to read the configuration in the work folder.
        logger: text log.
        memory: what hooks remember across a resume, plain values by hook name.
        metrics: log values since the last log line, on the device.
        data_time: seconds the last step waited for its batch.
        aside: seconds spent in evaluation and saving so far; not part of the time of an iteration.
        pictures: file names of the last batch.
        damaged: for each sample of the last batch, what was wrong with those it stands for.
        stopped: the user asked for an end, or a fault made one; the state of the last finished step is saved.
        stop: tells whether the user asks for it; long hooks look at it.
    """

    trainable: Trainable
    optimizer: GuardedOptimWrapper
    settings: TrainSettings
    batches: Callable[[int], Batches]
    hooks: list[Hook]
    work_dir: Path
    device: torch.device
    meta: dict[str, Any] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger('mmseg'))
    memory: dict[str, Any] = field(default_factory=dict)
    data_time: float = 0.0
    aside: float = 0.0
    pictures: list[str] = field(default_factory=list)
    damaged: list[list[str]] = field(default_factory=list)
    stopped: bool = False
    stop: StopRequest = field(default_factory=StopRequest)

    def __post_init__(self) -> None:
        self.metrics = MetricWindow(self.device)

    @property
    def iteration(self) -> int:
        """Number of finished steps."""
        return self.trainable.iteration

    @property
    def max_iters(self) -> int:
        """Number of steps of the whole run."""
        return self.settings.max_iters


def run_loop(run: Run) -> None:
    """Train until ``max_iters``, until the user asks to stop, or until something fails.

    Raises:
        UserError: see :class:`mmseg.engine.safeguard.Safeguard`; ``run.stopped`` tells whether the state was saved.
    """
    fault = None
    with run.stop, Safeguard(run.trainable, run.optimizer) as guard:
        for hook in run.hooks:
            hook.before_run(run)
        run.trainable.train()
        try:
            with closing(iter(run.batches(run.iteration))) as batches:
                _iterate(run, batches, guard)
        except GivenUp:
            run.stopped = True
        except Exception as error:
            fault = guard.rescued(error)
            if fault is None:
                known = described(error)
                raise (error if known is None else known) from error.__cause__
            run.stopped = True
        if fault is not None:
            _make_room()
        _finish(run)
    if fault is not None:
        raise fault


def _finish(run: Run) -> None:
    """Let every hook finish, from the last one, which saves; what fails in one does not keep the others from it."""
    with ExitStack() as stack:
        for hook in run.hooks:
            stack.callback(hook.after_run, run)


def _iterate(run: Run, batches: Iterator[Batch], guard: Safeguard) -> None:
    while True:
        run.stopped = _asked_to_stop(run)
        if run.stopped or run.iteration >= run.max_iters:
            return
        started = perf_counter()
        guard.fetch()
        batch = next(batches)
        guard.step()
        run.damaged = batch.pop('damaged', [])
        batch = on_device(batch, run.device, run.settings.channels_last)
        run.data_time = perf_counter() - started
        logged = one_step(run, batch)
        guard.done()
        run.pictures = pictures_of(batch)
        run.metrics.add(run.iteration, logged, run.optimizer.guard.flags, run.pictures)
        for hook in run.hooks:
            hook.after_iteration(run)


def _make_room() -> None:
    """Free what the step that broke off has held, so that the state can be saved."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def one_step(run: Run, batch: Batch) -> dict[str, Tensor]:
    """The next step of a run on its batch (on the device); returns the log values."""
    seed_step(run.settings.seed, run.iteration)
    set_learning_rates(run.optimizer, run.settings.schedule, run.iteration, run.max_iters)
    return run.trainable.train_step(batch, run.optimizer)


def _asked_to_stop(run: Run) -> bool:
    """Whether a process was asked to stop; several processes compare notes now and then only."""
    if world_size() > 1 and run.iteration % STOP_INTERVAL:
        return False
    return any_rank(run.stop.requested, run.device)


def seed_step(seed: int, iteration: int) -> None:
    """Seed torch's global generators (dropout, drop path) for one iteration.

    The seed depends on (seed, iteration) only, so a resumed run draws what an uninterrupted one would, and all
    processes draw alike (:mod:`mmseg.models.global_batch`).
    """
    words = np.random.SeedSequence([seed, 0, iteration]).generate_state(2, np.uint32)
    torch.manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


def pictures_of(batch: Batch) -> list[str]:
    """File names of the pictures of a batch, source before target."""
    metas = [*batch.get('img_metas', ()), *batch.get('target_img_metas', ())]
    return [str(meta['filename']) for meta in metas if 'filename' in meta]
