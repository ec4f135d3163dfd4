"""What a training step asks of the device, counted instead of timed: the same on any machine."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import DispatchKey, Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from benchmarks.alive import Alive
from benchmarks.resident import MIB
from benchmarks.settings import METHODS, Settings
from benchmarks.step import Pair
from mmseg.batch import Batch

WAITING = ('_local_scalar_dense', 'nonzero', 'masked_select', '_unique2', 'unique_dim', 'is_nonzero', 'equal')
"""Operations whose result the host needs, or whose result's size: on a GPU it waits for everything queued before."""
ALLOCATIONS = (
    'empty',
    'empty_like',
    'empty_strided',
    'new_empty',
    'new_empty_strided',
    'detach',
    'lift_fresh',
)
"""Operations without a kernel, besides views."""
ATEN = torch.ops.aten
FLOPS: Mapping[Any, Callable[..., int]] = {
    **flop_registry,
    # torch overlooks these two.
    ATEN._scaled_dot_product_flash_attention_for_cpu: flop_registry[ATEN._scaled_dot_product_flash_attention],
    ATEN._scaled_dot_product_flash_attention_for_cpu_backward: flop_registry[
        ATEN._scaled_dot_product_flash_attention_backward
    ],
}
"""Operation -> function of its arguments and result."""


@dataclass(frozen=True)
class Counts:
    """Of one step.

    Attributes:
        kernels: operations that compute something (views, allocations and operations that are made of others left
            out). A fused one counts once; a GPU may launch several kernels for one, and none for an empty one.
        waits: operations that make the host wait for a GPU.
        tflop: floating point operations in units of 10^12, a multiplication and an addition being two; matrix
            products, convolutions and attention.
        peak_mib: bytes at most alive beyond weights, moments of the optimiser and images; gradients included.
    """

    kernels: int
    waits: int
    tflop: float
    peak_mib: float


@dataclass(frozen=True)
class CountedStep:
    """Ours beside the plain one.

    Attributes:
        name: what was counted, with its sizes.
        ours, plain: the counts.
        difference: largest absolute difference of the logged values.
    """

    name: str
    ours: Counts
    plain: Counts
    difference: float

    def line(self) -> str:
        """A few lines for a person."""
        pairs = zip(asdict(self.ours).items(), asdict(self.plain).values(), strict=True)
        lines = [
            f'  {name:9s} {ours:10.5g}  plain {plain:10.5g}  ' + (f'ratio {plain / ours:.2f}' if ours else '')
            for (name, ours), plain in pairs
        ]
        return '\n'.join([f'{self.name}, largest difference {self.difference:.1e}', *lines])

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def counts(settings: Settings) -> Iterator[CountedStep]:
    """The second step of each of :data:`METHODS`."""
    for name in METHODS:
        yield counted(Pair.of(name, settings))


def counted(pair: Pair) -> CountedStep:
    """Ours and the plain one, after a step each."""
    difference = pair.difference()
    ours = count(pair.our_step, pair.method, pair.wrapper.optimizer, pair.batch)
    plain = count(pair.plain_step, pair.plain.method, pair.plain.optimizer, pair.batch)
    return CountedStep(pair.name, ours, plain, difference)


def count(
    step: Callable[[], object], method: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch
) -> Counts:
    """Count a call of ``step``, which is not the first one."""
    old = [*method.parameters(), *method.buffers(), *tree_leaves(optimizer.state), *batch.values()]
    for parameter in method.parameters():
        parameter.grad = None
    with Alive(tensor for tensor in old if isinstance(tensor, Tensor)) as alive, Count() as found:
        step()
    return Counts(found.kernels, found.waits, found.flop / 1e12, alive.peak / MIB)


class Count(TorchDispatchMode):
    """Kernels, waits (by operation) and floating point operations of what happens inside."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels = self.flop = 0
        self.waited_for: Counter[str] = Counter()

    @property
    def waits(self) -> int:
        """All of them."""
        return self.waited_for.total()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation and count it."""
        kwargs = kwargs or {}
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), 'CompositeImplicitAutograd'):
            with self:  # what it is made of is counted; not its decomposition in Python, which nothing runs
                return func._op_dk(DispatchKey.CompositeImplicitAutograd, *args, **kwargs)
        result = func(*args, **kwargs)
        name = func.overloadpacket.__name__
        if not func.is_view and name not in ALLOCATIONS:
            self.kernels += 1
        self.waited_for[name] += name in WAITING or _by_mask(name, args)
        if func.overloadpacket in FLOPS:
            self.flop += FLOPS[func.overloadpacket](*args, **kwargs, out_val=result)
        return result


def _by_mask(name: str, args: Sequence[Any]) -> bool:
    """Whether something is indexed by a mask, so that the size of the result depends on numbers."""
    if name not in ('index', 'index_put', 'index_put_', '_index_put_impl_'):
        return False
    return any(
        isinstance(i, Tensor) and i.dtype in (torch.bool, torch.uint8) for i in args[1] if i is not None
    )
