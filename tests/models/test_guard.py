"""The verdict on a step: nothing is waited for, nothing but what was bad is changed, not a bit of it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.optim import OptimWrapper
from torch.utils._python_dispatch import TorchDispatchMode

from mmseg.engine.optimizer import build_optimizer
from mmseg.models.guard import Rollback, all_finite
from tests.uda.networks import DISTANCE, small_batch, small_method

SPECIAL = [0.0, -0.0, float('nan'), float('inf'), -float('inf'), 1e-45, 3e38]


@given(st.lists(st.sampled_from(SPECIAL), min_size=1, max_size=6), st.booleans())
def test_every_bit_comes_back_or_stays(values: list[float], wanted: bool) -> None:
    old = torch.tensor(values)
    tensors = [
        old.clone(), old.double(), old.bfloat16(), old.isnan(), torch.arange(3), torch.ones(2, 3, 4, 4).to(
            memory_format=torch.channels_last
        ),
    ]  # fmt: skip
    before = [tensor.clone() for tensor in tensors]
    rollback = Rollback(tensors)
    rollback.keep()
    for tensor in tensors:
        tensor.copy_(tensor.roll(1, 0).logical_not() if tensor.dtype == torch.bool else -tensor + 1)
    changed = [tensor.clone() for tensor in tensors]
    rollback.undo(torch.tensor(wanted))
    for tensor, one, other in zip(tensors, before, changed, strict=True):
        expected = one if wanted else other
        assert tensor.contiguous().view(torch.uint8).equal(expected.contiguous().view(torch.uint8))


@pytest.mark.parametrize('kind', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_all_finite(kind: torch.dtype) -> None:
    tensors = [torch.full((3, 2), -0.0, dtype=kind), torch.full((1,), torch.finfo(kind).max, dtype=kind)]
    assert all_finite(tensors)
    assert all(tensor.signbit().all() for tensor in tensors[:1])
    for value in (torch.nan, -torch.inf):
        assert not all_finite([*tensors, torch.tensor([0.0, value], dtype=kind)])
    assert all_finite([])


class Counter(TorchDispatchMode):
    """Counts operators, and those that make the host wait for the device."""

    def __init__(self) -> None:
        super().__init__()
        self.operators = self.waits = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        self.operators += 1
        self.waits += function is torch.ops.aten._local_scalar_dense.default
        return function(*arguments, **(options or {}))


def count(guarded: bool) -> Counter:
    method = small_method(**DISTANCE, color_jitter_probability=0.0)
    wrapper = build_optimizer(method, {'type': 'AdamW', 'lr': 1e-3})
    if not guarded:
        wrapper = OptimWrapper(wrapper.optimizer)
    method.train()
    method.train_step(small_batch(), wrapper)
    with Counter() as counter:
        method.train_step(small_batch(seed=1), wrapper)
    return counter


def test_a_verdict_costs_few_operators_and_no_wait() -> None:
    plain, guarded = count(guarded=False), count(guarded=True)
    assert guarded.waits == plain.waits
    assert guarded.operators - plain.operators < 80
    assert guarded.operators < 1.1 * plain.operators
