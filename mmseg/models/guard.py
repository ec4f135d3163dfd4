"""Is a step sound? Decided on the device, before the optimiser's step, without waiting for the answer.

The losses, gradients and buffers of a step leave a flag on the device. It keeps the optimiser from stepping and puts
back what the step has changed already (running statistics, teacher, bank), so that after a step that was not finite
everything is, bit for bit, as before it. The host reads the flags when it writes a log line or a checkpoint
(:mod:`mmseg.engine.finite`).
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, distributed, nn

from mmseg.ranks import world_size

LOSSES, GRADIENTS, BUFFERS, WEIGHTS, WATCHED = PLACES = range(5)
"""Places in :attr:`StepGuard.flags`."""

BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Rollback:
    """Copies of tensors that a step changes in place.

    Args:
        tensors: of any number format; they stay in their places.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        # As whole numbers, 0 times anything is 0, also where the bits mean 'not a number'.
        bits = [tensor.detach().view(BITS[tensor.element_size()]) for tensor in tensors]
        self._groups = [(group, [one.clone() for one in group]) for group in _alike(bits)]

    @torch.no_grad()
    def keep(self) -> None:
        """Copy the tensors as they are now."""
        for live, kept in self._groups:
            torch._foreach_copy_(kept, live)

    @torch.no_grad()
    def undo(self, wanted: Tensor) -> None:
        """Put the copies back if ``wanted``, a bool scalar on the device; to be called once for each copy."""
        for live, kept in self._groups:
            back = wanted.to(live[0].dtype)
            torch._foreach_mul_(live, 1 - back)
            torch._foreach_mul_(kept, back)
            torch._foreach_add_(live, kept)


class Unguarded:
    """For an optimiser wrapper without a guard: every step counts."""

    skipped: Tensor | None = None

    def begin(self, module: nn.Module, changing: Iterable[Tensor]) -> None:
        """Before the first pass."""

    def judge(self, logged: Iterable[Tensor], watched: Iterable[Tensor] = ()) -> None:
        """Between the last pass and the optimiser's step."""

    def end(self) -> None:
        """After the step."""


class StepGuard(Unguarded):
    """The verdict on each step.

    Args:
        hold: a step that is not finite stops all later ones too, until the host knows; otherwise each step is
            judged for itself.
        scaled: gradients that overflow are the business of loss scaling (float16): the step is left out, nothing is
            wrong.

    Attributes:
        flags: float32 (5,), above 0 where something was not finite: log values, gradients, buffers (and teacher),
            weights and the optimiser's state after the step, what else is watched. Of all processes together.
        bad: bool scalar, the step was not finite and is undone.
        skipped: bool scalar, the optimiser does not step: ``bad``, or loss scaling has overflowed.
    """

    flags: Tensor
    bad: Tensor

    def __init__(self, hold: bool = True, scaled: bool = False) -> None:
        self.hold = hold
        self.scaled = scaled
        self._rollback: Rollback | None = None
        self._optimizer: torch.optim.Optimizer | None = None
        self._divided = False

    def watch(self, optimizer: torch.optim.Optimizer, divided: bool = False) -> None:
        """Look at this optimiser's state as well: a finite gradient may square to more than float32 holds.

        Args:
            optimizer: of this process.
            divided: other processes have other parts of the state.
        """
        self._optimizer, self._divided = optimizer, divided

    def begin(self, module: nn.Module, changing: Iterable[Tensor]) -> None:
        """Before the first pass: copy what the passes change.

        Args:
            module: the training object on its final device.
            changing: buffers and parameters that a step changes without the optimiser; looked at once.
        """
        if self._rollback is None:
            tensors = list(changing)
            self._rollback = Rollback(tensors)
            self._buffers = [tensor for tensor in tensors if tensor.is_floating_point()]
            self._weights = [parameter for parameter in module.parameters() if parameter.requires_grad]
            device = self._weights[0].device
            self.bad = torch.zeros((), dtype=torch.bool, device=device)
        self._rollback.keep()

    @torch.no_grad()
    def judge(self, logged: Iterable[Tensor], watched: Iterable[Tensor] = ()) -> None:
        """Decide, from log values (scalars), gradients and buffers, whether the optimiser may step.

        Args:
            logged: log values.
            watched: further scalars that must be finite.
        """
        self.flags = torch.zeros(len(PLACES), device=self.bad.device)
        self._mark(LOSSES, [torch.stack([value.float().reshape(()) for value in logged])])
        self._mark(WATCHED, [value.float().reshape(1) for value in watched])
        self._mark(GRADIENTS, [weight.grad for weight in self._weights if weight.grad is not None])
        self._mark(BUFFERS, self._buffers)
        _over_processes(self.flags)
        found = self.flags > 0
        bad = found[LOSSES] | found[BUFFERS] | found[WATCHED]
        if not self.scaled:
            bad = bad | found[GRADIENTS]
        self.bad = bad | self.bad if self.hold else bad
        self.skipped = self.bad | found[GRADIENTS]

    @torch.no_grad()
    def end(self) -> None:
        """After the step: undo it if it was bad, look at the weights and the optimiser's state."""
        assert self._rollback is not None
        self._rollback.undo(self.bad)
        self._mark(WEIGHTS, [*self._weights, *self._moments()])
        if self._divided:
            _over_processes(self.flags)

    def _moments(self) -> list[Tensor]:
        """What the optimiser keeps for its parameters; not its counters, which may lie on the host."""
        states = () if self._optimizer is None else self._optimizer.state.values()
        return [
            value
            for state in states
            for value in state.values()
            if isinstance(value, Tensor) and value.ndim and value.is_floating_point()
        ]

    def _mark(self, place: int, tensors: Sequence[Tensor]) -> None:
        for group in _alike(tensors):
            _mark_not_finite(group, self.flags[place])


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether all tensors (of real numbers) are finite; waits for the device."""
    return not any(
        _mark_not_finite(group, torch.zeros((), device=group[0].device)) for group in _alike(tensors)
    )


@torch.no_grad()
def _mark_not_finite(tensors: list[Tensor], found: Tensor) -> Tensor:
    """Set ``found`` (float32 scalar) to 1 if one of the like tensors is not finite.

    What torch's own loss scaling looks with: one pass, many tensors a launch; times 1 changes no bit.
    """
    torch._amp_foreach_non_finite_check_and_unscale_(tensors, found, torch.ones_like(found))
    return found


def _alike(tensors: Iterable[Tensor]) -> list[list[Tensor]]:
    """The tensors by device and number format."""
    groups: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
    for tensor in tensors:
        groups.setdefault((tensor.device, tensor.dtype), []).append(tensor)
    return list(groups.values())


def _over_processes(flags: Tensor) -> None:
    """The largest flags of all processes, in place: they must decide alike."""
    if world_size() > 1:
        distributed.all_reduce(flags, distributed.ReduceOp.MAX)
