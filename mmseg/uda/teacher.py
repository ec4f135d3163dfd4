"""The mean teacher: an exponential moving average of the student's parameters.

Source: docs/methods/self-training.md#mean-teacher.
"""

import torch
from torch import Tensor, nn


def effective_alpha(iteration: int, alpha: float) -> float:
    """Share of the old teacher kept in step ``iteration`` >= 1: ``min(1 - 1 / (iteration + 1), alpha)``.

    The ramp makes the teacher a plain mean of the first students instead of remembering its start for long.
    """
    return min(1 - 1 / (iteration + 1), alpha)


class MeanTeacher:
    """Keeps ``teacher`` an average of ``student``.

    Only parameters are averaged. Buffers are left alone: the teacher's batch norms stay in training mode and
    gather statistics of their own (published behaviour, docs/methods/self-training.md#mean-teacher). The class owns
    no state; the teacher's parameters are part of the module that holds it.

    Args:
        teacher: network to update; its parameters stop requiring gradients.
        student: network of the same architecture.
        alpha: upper bound of the share of the old teacher that is kept, in [0, 1].

    Attributes:
        latest: the iteration it was averaged for last.
        done: an iteration for which it is not averaged again, since that was saved by a step that broke off.
    """

    def __init__(self, teacher: nn.Module, student: nn.Module, alpha: float) -> None:
        self.alpha = alpha
        self.latest: int | None = None
        self.done: int | None = None
        self._networks = (teacher, student)
        self._parameters: tuple[list[Tensor], list[Tensor]] | None = None
        teacher.requires_grad_(False)

    @torch.no_grad()
    def update(self, iteration: int) -> None:
        """Copy the student in iteration 0, average afterwards; call it at the start of a step."""
        self.latest = iteration
        if iteration == self.done:
            return
        if self._parameters is None:
            # Collected once, and not before the networks have reached their device: walking a transformer of
            # a thousand tensors costs milliseconds a step.
            first, second = self._networks
            self._parameters = (list(first.parameters()), list(second.parameters()))
        teacher, student = self._parameters
        if iteration == 0:
            torch._foreach_copy_(teacher, student)
            return
        keep = effective_alpha(iteration, self.alpha)
        torch._foreach_mul_(teacher, keep)
        torch._foreach_add_(teacher, student, alpha=1 - keep)
