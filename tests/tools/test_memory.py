"""Counting the memory of a step: what is alive, what is kept for the backward pass."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

TOOLS = str(Path(__file__).resolve().parents[2] / 'tools')


@pytest.fixture(scope='module')
def memory() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOOLS)
        return importlib.import_module('benchmarks.memory')


def test_most_that_is_alive(memory: ModuleType) -> None:
    given = torch.zeros(1024)
    peaks: dict[str, float] = {}
    with memory.Alive([given]) as alive:
        with alive.most(peaks, 'three maps'):
            first, second = given + 1, given + 2
            first.view(2, 512).add_(given.view(2, 512))
            third = first + second
        assert alive.bytes == 3 * 4096
        del first, second
        with alive.most(peaks, 'one more'):
            third = third + 1
    assert alive.bytes == 4096
    assert peaks == {'three maps': 3 * 4096 / 2**20, 'one more': 4096 / 2**20}


def test_what_is_kept_by_part(memory: ModuleType) -> None:
    class Parts:
        layers = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)).requires_grad_(True)

        def first(self, x: torch.Tensor) -> torch.Tensor:
            return self.layers[1](self.layers[0](x))

        def second(self, x: torch.Tensor) -> torch.Tensor:
            return self.layers[2](x) * self.layers[2](x)

    parts = Parts()
    kept = memory.Kept(parts.layers.parameters())
    kept.within(parts, 'first', 'one')
    kept.within(parts, 'second', 'two')
    with torch.autograd.graph.saved_tensors_hooks(kept.keep, lambda x: x):
        result = parts.second(parts.first(torch.ones(128, 8)))
    row = 128 * 8 * 4 / 2**20
    assert kept.kept == {'one': 2 * row, 'two': 2 * row}
    result.sum().backward()
    kept.forget()
    kept.need(torch.ones(128, 8))
    with torch.no_grad():
        kept.need(torch.ones(128, 8))
    assert kept.floor == {'rest': row}


@pytest.mark.slow
def test_a_step_without_data_counts_like_one_with_data(memory: ModuleType) -> None:
    settings = memory.Settings(torch.device('cpu'), 'mit_b0', 64, 1, 1)
    with FakeTensorMode(allow_non_fake_inputs=True):
        counted = memory.training(settings)
    real = memory.training(settings)
    assert [one.kept_mib for one in counted] == [one.kept_mib for one in real]
    assert [one.floor_mib for one in counted] == [one.floor_mib for one in real]
    for one in counted:
        assert sum(one.floor_mib.values()) < sum(one.kept_mib.values()) < 1.1 * sum(one.floor_mib.values())
    assert 'LR encoder' in counted[0].line()
