"""What belongs to the whole batch when several processes share it (docs/scaling.md).

N processes with b images each do what one process with N b images does: the images of process r are the global ones
r b to (r + 1) b - 1, random numbers are drawn for all of them, and what a step takes from its batch as a whole
(statistics of batch norms, classes that occur, how many pixels count) it takes from all of them. Losses are means over
the images of a process, whose mean over the processes is that over all images; gradients are averaged likewise. With
one process nothing here does anything.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg.models.dropout import DropPath
from mmseg.ranks import rank, world_size


def own_rows(count: int) -> slice:
    """Where the ``count`` images of this process stand among those of all."""
    return slice(rank() * count, (rank() + 1) * count)


_portion: tuple[int, int] | None = None


@contextmanager
def portion(start: int, count: int) -> Iterator[None]:
    """What runs inside gets a portion of this process's ``count`` images, from number ``start``.

    See :mod:`mmseg.models.accumulation`.
    """
    global _portion
    before, _portion = _portion, (start, count)
    try:
        yield
    finally:
        _portion = before


def same_portion() -> Callable[[], AbstractContextManager[None]]:
    """Enters the portion of now, later."""
    return nullcontext if _portion is None else partial(portion, *_portion)


def own_share(count: int) -> tuple[slice, int]:
    """Where the ``count`` images at hand stand among those of all, and how many those are."""
    start, own = _portion or (0, count)
    first = rank() * own + start
    return slice(first, first + count), own * world_size()


def total(x: Tensor) -> Tensor:
    """Sum over the processes, without gradient; a new tensor if there are several."""
    if world_size() == 1:
        return x
    found = x.detach().clone()
    distributed.all_reduce(found)
    return found


def mean(x: Tensor) -> Tensor:
    """Mean over the processes, without gradient."""
    return x if world_size() == 1 else total(x) / world_size()


def denominator(count: Tensor) -> Tensor:
    """What a process divides its sum over pixels by, so that the mean over the processes is that over all pixels.

    Args:
        count: number of its pixels, or their weight; that of all counts as at least 1.
    """
    least = total(count).clamp(min=1)
    return least if world_size() == 1 else least / world_size()


def anywhere(flags: Tensor) -> Tensor:
    """Where a bool tensor is set in some process."""
    return flags if world_size() == 1 else total(flags.to(torch.int32)) > 0


def of_all(x: Tensor) -> Tensor:
    """Tensors (n, ...) of one shape in order of rank, (N n, ...), without gradient."""
    if world_size() == 1:
        return x
    parts = [torch.empty_like(x) for _ in range(world_size())]
    distributed.all_gather(parts, x.detach().contiguous())
    return torch.cat(parts)


def share_batch(module: nn.Module, batch_norms: bool = True) -> None:
    """Let the dropouts and, if wanted, batch norms inside a module see the whole batch; state-dict keys stay.

    Args:
        module: changed in place.
        batch_norms: synchronise their statistics; otherwise each process has its own.
    """
    for child in module.modules():
        kind: type[nn.Module] = type(child)
        if kind.__name__ == 'DropPath':  # timm's as well
            _become(child, SharedDropPath)
        elif kind in _SHARED:
            _become(child, _SHARED[kind])
        elif batch_norms and isinstance(child, _BatchNorm) and not isinstance(child, _Synchronised):
            _become(child, _synchronised(kind))


def _become(module: nn.Module, kind: type[nn.Module]) -> None:
    """Change what a module computes and nothing else."""
    module.__class__ = kind


class SharedDropout(nn.Dropout):
    """Drops elements of the images of this process as one process would drop them in the whole batch."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, ...) -> the same shape."""
        if not self.training or self.p == 0:
            return input
        rows, count = own_share(len(input))
        return input * F.dropout(input.new_ones((count, *input.shape[1:])), self.p)[rows]


class SharedDropout2d(nn.Dropout2d):
    """Likewise, whole channels."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        if not self.training or self.p == 0:
            return input
        rows, count = own_share(len(input))
        return input * F.dropout2d(input.new_ones((count, input.shape[1], 1, 1)), self.p)[rows]


class SharedDropPath(DropPath):
    """Likewise, the residual branch of whole images; of timm's class, too."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> the same shape."""
        if not self.training or not self.drop_prob:
            return x
        keep = 1.0 - self.drop_prob
        rows, count = own_share(len(x))
        mask = x.new_empty((count,) + (1,) * (x.ndim - 1)).bernoulli_(keep)
        if getattr(self, 'scale_by_keep', True):
            mask.div_(keep)
        return x * mask[rows]


_SHARED: dict[type[nn.Module], type[nn.Module]] = {nn.Dropout: SharedDropout, nn.Dropout2d: SharedDropout2d}


class _SumOverProcesses(torch.autograd.Function):
    """Sum over the processes; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return total(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return total(gradient)


class _Synchronised:
    """Mixed into a batch norm: in training mode its statistics are those of all processes' images."""


_kinds: dict[type[nn.Module], type[nn.Module]] = {}


def _synchronised(kind: type[nn.Module]) -> type[nn.Module]:
    """The synchronised form of a kind of batch norm, such as :class:`torch.nn.BatchNorm2d` or timm's, which goes on
    with an activation."""
    if kind not in _kinds:

        def forward(self: Any, x: Tensor, *arguments: Any) -> Tensor:
            if not self.training or world_size() == 1:
                result: Tensor = kind.forward(self, x, *arguments)
                return result
            x = synchronised_batch_norm(x, self)
            for step in ('drop', 'act'):
                x = getattr(self, step)(x) if hasattr(self, step) else x
            return x

        _kinds[kind] = type(f'Synchronised{kind.__name__}', (_Synchronised, kind), {'forward': forward})
    return _kinds[kind]


def synchronised_batch_norm(x: Tensor, norm: _BatchNorm) -> Tensor:
    """Batch normalisation with the statistics of all processes, which also go into the running ones.

    Differentiable on any device; statistics are float32.

    Args:
        x: (B, C, ...).
        norm: weight, bias, momentum, eps and running statistics.
    """
    dims = [0, *range(2, x.ndim)]
    shape = (1, -1, *(1,) * (x.ndim - 2))
    wide = x.float()
    count = x.numel() // x.shape[1] * world_size()
    average = _SumOverProcesses.apply(wide.sum(dims)) / count  # type: ignore[no-untyped-call]
    centred = wide - average.view(shape)
    variance = _SumOverProcesses.apply(centred.square().sum(dims)) / count  # type: ignore[no-untyped-call]
    if norm.track_running_stats:
        _follow(norm, average.detach(), variance.detach() * (count / max(count - 1, 1)))
    result = centred * (variance + norm.eps).rsqrt().view(shape)
    if norm.affine:
        result = result * norm.weight.view(shape) + norm.bias.view(shape)
    return result.to(x.dtype)


@torch.no_grad()
def _follow(norm: _BatchNorm, average: Tensor, variance: Tensor) -> None:
    """Move the running statistics."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked += 1
    share = 1.0 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(average.to(norm.running_mean), share)
    norm.running_var.lerp_(variance.to(norm.running_var), share)


def has_own_statistics(norm: _BatchNorm) -> bool:
    """Whether each process has running statistics of its own for a batch norm."""
    return bool(norm.track_running_stats) and not isinstance(norm, _Synchronised)


@torch.no_grad()
def average_statistics(module: nn.Module) -> None:
    """Give every process the mean of the processes' running statistics, where batch norms have their own."""
    if world_size() == 1:
        return
    for child in module.modules():
        if isinstance(child, _BatchNorm) and has_own_statistics(child):
            for buffer in (child.running_mean, child.running_var):
                assert buffer is not None
                buffer.copy_(mean(buffer))
