"""Counting a step with a foundation model: what lies between steps, which passes there are."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest
import torch

TOOLS = str(Path(__file__).resolve().parents[2] / 'tools')


@pytest.fixture(scope='module')
def foundation() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOOLS)
        return importlib.import_module('benchmarks.foundation')


@pytest.mark.slow
def test_a_step_of_the_small_configuration(foundation: ModuleType) -> None:
    settings = foundation.Settings(torch.device('cpu'), 'dinov2_s', 64, 1, 1)
    between, *passes = foundation.vfm(settings)
    sizes = dict(between.peak_mib)
    assert sizes['weights of the student'] == sizes['weights of the teacher']
    assert sizes['weights of the frozen encoder 0'] > 2 * sizes['weights of the student']  # the base model
    assert sizes['two moments'] == 2 * sizes['gradients']
    assert '384 channels at stride 16' in between.name
    assert [one.name.rpartition(', ')[2] for one in passes] == [
        'source pass', 'mixed pass', 'masked pass', 'target_distance pass',
    ]  # fmt: skip
    for one in passes:
        assert {'encoder', 'pyramid or adapter'} <= set(one.kept_mib)
        assert one.kept_mib['encoder'] > one.kept_mib['pyramid or adapter'] > 0
        assert one.peak_mib['forward and backward pass'] > sum(one.kept_mib.values())
