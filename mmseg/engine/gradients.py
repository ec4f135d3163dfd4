"""Means of gradients over the processes, exchanged while the last backward pass of a step still runs.

A step runs several forward and backward passes through inner modules, which bypass the forward of
``DistributedDataParallel`` (docs/methods/optimisation.md#several-processes), so gradients are averaged here: once a
step, in buckets, the last layers first. A bucket sets out when all of its gradients are final. Which pass is the last
one is known from the step before. A step with more passes exchanges again, which is right as well: the mean of what is
the same everywhere is itself.
"""

from collections.abc import Iterable, Sequence
from functools import partial

import torch
from torch import Tensor, distributed, nn

from mmseg.ranks import world_size

BUCKET_ELEMENTS = 4 * 2**20
"""Elements that travel together: 16 MiB in float32, large enough to use the link, small enough to set out early."""


class Bucket:
    """Parameters whose gradients travel together.

    Args:
        parameters: of one number format on one device.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters = parameters
        self.missing = 0
        self._flat: Tensor | None = None
        self._work: distributed.Work | None = None

    @property
    def under_way(self) -> bool:
        """Whether an exchange has been started and not received."""
        return self._work is not None

    def send(self, group: distributed.ProcessGroup | None) -> None:
        """Start the exchange of the gradients there are."""
        self._sent = [p.grad for p in self.parameters if p.grad is not None]
        if self._sent:
            self._flat = torch.cat([gradient.reshape(-1) for gradient in self._sent])
            self._work = distributed.all_reduce(self._flat, group=group, async_op=True)

    def receive(self) -> None:
        """Put the means in the place of the gradients."""
        if self._flat is None or self._work is None:
            return
        self._work.wait()
        parts = (self._flat / world_size()).split([gradient.numel() for gradient in self._sent])
        with torch.no_grad():
            torch._foreach_copy_(
                self._sent, [part.view_as(one) for part, one in zip(parts, self._sent, strict=True)]
            )
        self._flat = self._work = None


class GradientAverage:
    """The mean of every gradient over the processes, once a step. With one process it does nothing.

    Args:
        parameters: the same ones in every process, in the order of the forward pass; those without a gradient are left
            out.
        overlap: start while the last backward pass runs; otherwise after it.

    Attributes:
        early: number of buckets of the last step that set out during its backward pass.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], overlap: bool = True) -> None:
        self.overlap = overlap
        self.early = 0
        self._buckets: list[Bucket] = []
        self._group: distributed.ProcessGroup | None = None
        self._passes, self._last, self._sent = 0, 0, 0
        if world_size() == 1:
            return
        # Exchanges of the passes themselves (batch norms) must not stand in one queue with these.
        self._group = distributed.new_group()
        self._buckets = [Bucket(chosen) for chosen in _in_buckets(parameters)]
        for bucket in self._buckets:
            for parameter in bucket.parameters:
                if parameter.requires_grad:
                    parameter.register_post_accumulate_grad_hook(partial(self._arrived, bucket))

    def begin(self) -> None:
        """A new step; what is left of one that broke off is forgotten."""
        self._receive()
        self._passes = self.early = 0

    def next_pass(self) -> None:
        """Another backward pass begins."""
        self._receive()
        self._passes += 1
        for bucket in self._buckets:
            bucket.missing = sum(parameter.requires_grad for parameter in bucket.parameters)

    def finish(self) -> None:
        """Every gradient is final: exchange what has not set out yet, wait for the means."""
        self.early = sum(bucket.under_way for bucket in self._buckets[: self._sent])
        self._send(len(self._buckets))
        self._receive()
        self._last = self._passes

    def _arrived(self, bucket: Bucket, parameter: Tensor) -> None:
        """Hook of a parameter: its gradient is final as far as this pass goes."""
        bucket.missing -= 1
        if self.overlap and self._passes == self._last and not bucket.missing:
            ready = next((n for n, one in enumerate(self._buckets) if one.missing), len(self._buckets))
            self._send(ready)

    def _send(self, end: int) -> None:
        """Start the exchanges of the buckets before ``end``, in the same order in every process."""
        for bucket in self._buckets[self._sent : end]:
            bucket.send(self._group)
        self._sent = max(self._sent, end)

    def _receive(self) -> None:
        for bucket in self._buckets[: self._sent]:
            bucket.receive()
        self._sent = 0


def _in_buckets(parameters: Iterable[nn.Parameter]) -> list[list[nn.Parameter]]:
    """The parameters from the last one, cut where a bucket is full or the number format changes."""
    buckets: list[list[nn.Parameter]] = []
    for parameter in reversed(list(parameters)):
        last = buckets[-1] if buckets else []
        alike = all((p.dtype, p.device) == (parameter.dtype, parameter.device) for p in last[:1])
        if last and alike and sum(p.numel() for p in last) < BUCKET_ELEMENTS:
            last.append(parameter)
        else:
            buckets.append([parameter])
    return buckets
