"""Activation checkpointing: blocks of a network compute twice instead of keeping what they computed.

Chen et al., 2016, arXiv:1604.06174. Between the forward and the backward pass only the input of each block is kept; the
backward pass runs the block again. Numbers are the same bits: random states are put back, and running statistics of
batch norms follow the first run only.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from mmseg.models.conv import DepthwiseSeparableConvModule
from mmseg.models.global_batch import same_portion

LISTS = (nn.Sequential, nn.ModuleList)


def checkpoint_blocks(backbone: nn.Module) -> int:
    """Let the blocks of an encoder compute twice while it is trained; keys of the state dict stay.

    Args:
        backbone: changed in place. Its blocks are the modules with layers of their own inside the lists that it is made
            of (blocks of a Transformer, residual blocks, stages).

    Returns:
        How many there are.
    """
    return _compute_twice(list(_blocks(backbone)))


def checkpoint_branches(head: nn.Module) -> int:
    """Let the depthwise-separable branches of a decoder compute twice: each keeps two maps of its input's width.

    Args:
        head: changed in place.

    Returns:
        How many there are.
    """
    return _compute_twice([m for m in head.modules() if isinstance(m, DepthwiseSeparableConvModule)])


def _compute_twice(blocks: Sequence[nn.Module]) -> int:
    for block in blocks:
        block.__class__ = _checkpointed(type(block))
    return len(blocks)


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(module, LISTS) and not isinstance(child, LISTS) and any(child.children()):
            yield child
        else:
            yield from _blocks(child)


_kinds: dict[type[nn.Module], type[nn.Module]] = {}


def _checkpointed(kind: type[nn.Module]) -> type[nn.Module]:
    if kind not in _kinds:

        def forward(self: Any, *arguments: Any, **options: Any) -> Any:
            run = partial(kind.forward, self)
            if not (self.training and torch.is_grad_enabled()):
                return run(*arguments, **options)
            contexts = partial(_contexts, self)
            return checkpoint(run, *arguments, use_reentrant=False, context_fn=contexts, **options)

        _kinds[kind] = type(f'Checkpointed{kind.__name__}', (kind,), {'forward': forward})
    return _kinds[kind]


class EachTime(AbstractContextManager[None]):
    """A context made anew whenever it is entered: what is kept of a graph computes again in each backward pass."""

    def __init__(self, make: Callable[[], AbstractContextManager[None]]) -> None:
        self._make = make
        self._entered: list[AbstractContextManager[None]] = []

    def __enter__(self) -> None:
        self._entered.append(self._make())
        self._entered[-1].__enter__()

    def __exit__(self, *error: Any) -> bool | None:
        return self._entered.pop().__exit__(*error)


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """Of the first run and of the second one."""
    held = [(module, _state(module)) for module in block.modules()]
    return nullcontext(), EachTime(partial(_second_run, same_portion(), held))


def _state(module: nn.Module) -> dict[str, Any]:
    """What a module holds: an encoder at another grid lends it other embeddings for a call (AnyGrid)."""
    held = vars(module)
    return {**held, '_parameters': dict(held['_parameters']), '_buffers': dict(held['_buffers'])}


@contextmanager
def _second_run(
    images: Callable[[], AbstractContextManager[None]], first: list[tuple[nn.Module, dict[str, Any]]]
) -> Iterator[None]:
    """Images are those of the first run, modules hold what they held in it; running statistics stay as they are."""
    now = [dict(vars(module)) for module, _ in first]
    for module, state in first:
        vars(module).update(state)
    norms = [module for module, _ in first if isinstance(module, _BatchNorm)]
    counters = [norm.num_batches_tracked for norm in norms if norm.num_batches_tracked is not None]
    counts = [counter.clone() for counter in counters]
    for norm in norms:
        norm.momentum = 0.0
    try:
        with images():
            yield
    finally:  # the second run is broken off where nothing more is needed
        for counter, count in zip(counters, counts, strict=True):
            counter.copy_(count)
        for (module, _), state in zip(first, now, strict=True):
            vars(module).update(state)
