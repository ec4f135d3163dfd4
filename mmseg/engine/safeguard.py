"""Keeping the state of the last finished step within reach while the next one runs."""

from types import TracebackType
from typing import Any

import torch
from mmengine.optim import OptimWrapper

from mmseg.errors import DataError, ResourceError
from mmseg.faults import described
from mmseg.ranks import world_size
from mmseg.uda.trainable import Trainable


class Safeguard:
    """Context of a loop: after an error it says whether the state can still be saved, and puts it back.

    Until the optimiser moves, a step changes buffers (statistics of batch norms, an instance bank), of which a copy is
    kept here (they are small and stay on their device), and averages the teachers, which remember for which step
    (:attr:`mmseg.uda.teacher.MeanTeacher.latest`). Random numbers and learning rates are functions of the iteration.

    Args:
        trainable: what is trained.
        optimizer: over its parameters.
    """

    def __init__(self, trainable: Trainable, optimizer: OptimWrapper) -> None:
        self._optimizer = optimizer.optimizer
        self._buffers = list(trainable.buffers())
        self._kept = [buffer.clone() for buffer in self._buffers]
        self._fetching, self._stepping, self._moved = False, False, False

    def __enter__(self) -> 'Safeguard':
        self._hook = self._optimizer.register_step_pre_hook(self._move)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hook.remove()

    def fetch(self) -> None:
        """A batch is awaited."""
        self._fetching = True

    def step(self) -> None:
        """A step begins; nothing waits for the device."""
        self._fetching, self._stepping, self._moved = False, True, False
        torch._foreach_copy_(self._kept, self._buffers)

    def done(self) -> None:
        """The step is finished."""
        self._stepping = False

    @torch.no_grad()
    def rescued(self, error: Exception) -> Exception | None:
        """The error to raise when the state of the last finished step, put back here, has been saved.

        None if it is lost or must not be saved: the optimiser had begun, the numbers or the program are at fault, or
        there are other processes, which are in the middle of a step.
        """
        known = described(error)
        if world_size() > 1 or (self._stepping and self._moved):
            return None
        if not self._fetching and not isinstance(known, ResourceError | DataError):
            return None
        if self._stepping:
            torch._foreach_copy_(self._buffers, self._kept)
        return known or error

    def _move(self, *_: Any) -> None:
        self._moved = True
