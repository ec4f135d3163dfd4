"""What runs in a job of a cluster: one training, saved when the job must leave, continued when it comes back."""

import os
import signal
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import submitit
from submitit.helpers import DelayedSubmission, TorchDistributedEnvironment

from mmseg.engine.checkpoint_files import checkpoints
from mmseg.errors import TrainingError
from mmseg.toolbox.experiments.children import CONSOLE, Child, last_words, train_command

LOOK_EVERY = 0.2
LINGER = 30.0
"""Seconds that other processes of a job stay when it was told to leave; the first one has it queued again meanwhile."""


@dataclass
class TrainRun:
    """One run, as submitit pickles and calls it in each process of a job.

    It goes on by itself from what is saved, so that it does not matter who has queued it again: submitit, the
    scheduler, an administrator.

    Attributes:
        config: complete configuration in the work folder.
        work_dir: its folder.
        total: iterations that the run is to have.
        modules: to be imported before the configuration is read.
        current: folder that relative paths start from.
    """

    config: Path
    work_dir: Path
    total: int
    modules: tuple[str, ...]
    current: Path
    _child: Child | None = field(default=None, repr=False)

    def __call__(self) -> str:
        """Train to the end; returns the work folder.

        Raises:
            TrainingError: the training has failed or was stopped; tells its last words.
        """
        os.chdir(self.current)
        if (self.work_dir / f'iter_{self.total}.pth').is_file():
            return str(self.work_dir)
        job = submitit.JobEnvironment()
        if job.num_tasks > 1:
            TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
        code = self._train(job.num_tasks, job.global_rank)
        if code == 0:
            return str(self.work_dir)
        if code > 128 and job.global_rank:
            time.sleep(LINGER)
            sys.exit(1)
        console = self.work_dir / CONSOLE
        raise TrainingError(
            f'{self.work_dir.name}: exit code {code}; the end of {console}:\n{last_words(console)}'
        )

    def _train(self, processes: int, rank: int) -> int:
        resume = bool(checkpoints(self.work_dir))
        command = train_command(self.config, self.work_dir, processes, self.modules, resume, started=True)
        self._child = child = Child(command, self.work_dir / CONSOLE if rank == 0 else None)

        def hand_on(number: int, frame: FrameType | None) -> None:
            child.tell(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, hand_on)
        try:
            while (code := child.poll()) is None:
                time.sleep(LOOK_EVERY)
        finally:
            child.end()
        return code

    def checkpoint(self) -> DelayedSubmission:
        """Called by submitit in a signal handler, before the job is queued again: have the training save and end."""
        if self._child is not None:
            self._child.tell(signal.SIGTERM)
            self._child.await_end()
        return DelayedSubmission(replace(self, _child=None))
