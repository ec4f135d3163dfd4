"""Options of parameters, merged groups and the published layout of the state."""

import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmseg.config.translate import LrSchedule
from mmseg.engine.optimizer import (
    build_optimizer,
    load_optimizer_state,
    optimizer_state,
    set_learning_rates,
)
from mmseg.engine.parameter_options import parameter_options
from mmseg.errors import CheckpointError, ConfigError
from tests.engine.fakes import OPTIMIZER, Toy

LAYOUTS = [
    (torch.contiguous_format, torch.channels_last),
    (torch.channels_last, torch.contiguous_format),
]


def step(module: nn.Module, optimizer, seed: int) -> None:
    torch.manual_seed(seed)
    optimizer.zero_grad()
    module.model(torch.randn(4, 3)).square().sum().backward()
    optimizer.step()


def test_step_equals_one_group_per_parameter() -> None:
    merged, single = Toy(), Toy()
    options = {name: (lr, decay) for name, lr, decay in parameter_options(single, OPTIMIZER)}
    groups = [
        {'params': [p], 'lr': options[n][0], 'weight_decay': options[n][1]}
        for n, p in single.named_parameters()
    ]
    reference = torch.optim.AdamW(groups, lr=0.01, fused=True)
    optimizer = build_optimizer(merged, OPTIMIZER)
    for i in range(3):
        step(merged, optimizer, i)
        step(single, reference, i)
    for one, other in zip(merged.parameters(), single.parameters(), strict=True):
        assert torch.equal(one, other)


def test_published_layout_and_round_trip() -> None:
    toy = Toy()
    optimizer = build_optimizer(toy, OPTIMIZER)
    step(toy, optimizer, 0)
    state = optimizer_state(optimizer, toy)
    names = [name for name, _ in toy.named_parameters()]
    assert [group['params'] for group in state['param_groups']] == [[i] for i in range(len(names))]
    assert all('initial_lr' in group for group in state['param_groups'])
    assert {names[i] for i in state['state']} == {name for name in names if name.startswith('model.')}

    other = copy.deepcopy(toy)
    resumed = build_optimizer(other, OPTIMIZER)
    load_optimizer_state(resumed, other, copy.deepcopy(state), 'x.pth')
    step(toy, optimizer, 1)
    step(other, resumed, 1)
    for one, two in zip(toy.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_moments_find_their_parameters_where_parts_stand_in_another_order() -> None:
    def built(names: str) -> tuple[nn.ModuleDict, OptimWrapper]:
        module = nn.ModuleDict({name: nn.Linear(2, 2) for name in names})
        return module, build_optimizer(module, {'type': 'AdamW', 'lr': 0.01})

    (module, optimizer), (other, resumed) = built('ab'), built('ba')
    optimizer.zero_grad()
    (module['a'].weight.sum() + 3 * module['b'].weight.sum()).backward()
    optimizer.step()
    saved = optimizer_state(optimizer, module)
    load_optimizer_state(resumed, other, copy.deepcopy(saved), 'x.pth', module.state_dict())
    for name in 'ab':
        one, two = optimizer.optimizer.state[module[name].weight], resumed.optimizer.state[other[name].weight]
        assert torch.equal(one['exp_avg'], two['exp_avg']), name


@pytest.mark.parametrize(('before', 'after'), LAYOUTS)
def test_moments_follow_the_memory_layout(before: torch.memory_format, after: torch.memory_format) -> None:
    image = torch.randn(2, 3, 8, 8)

    def trained(layout: torch.memory_format, saved: dict | None = None) -> tuple[nn.Module, dict]:
        torch.manual_seed(0)
        module = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Conv2d(5, 4, 3)).to(memory_format=layout)
        optimizer = build_optimizer(module, {'type': 'AdamW', 'lr': 0.01})
        if saved is not None:
            load_optimizer_state(optimizer, module, copy.deepcopy(saved), 'x.pth')
        optimizer.zero_grad()
        module(image.to(memory_format=layout)).square().sum().backward()
        optimizer.step()
        return module, optimizer_state(optimizer, module)

    _, saved = trained(before)
    same, switched = trained(before, saved)[0], trained(after, saved)[0]
    for one, other in zip(same.parameters(), switched.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_state_of_another_module() -> None:
    toy = Toy()
    optimizer = build_optimizer(toy, OPTIMIZER)
    with pytest.raises(CheckpointError, match=r'x\.pth.*1 parameters'):
        load_optimizer_state(optimizer, toy, {'state': {}, 'param_groups': [{}]}, 'x.pth')


def test_learning_rates_follow_the_base_rate() -> None:
    optimizer = build_optimizer(Toy(), OPTIMIZER)
    set_learning_rates(optimizer, LrSchedule(policy='poly'), 5, 10)
    assert [group['lr'] for group in optimizer.optimizer.param_groups] == pytest.approx([0.005, 0.005, 0.05])


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        ({'type': 'AdamV'}, 'torch.optim'),
        ({'learning_rate': 1}, 'learning_rate'),
        ({'paramwise_cfg': {'bias_lr_mult': 2}}, 'bias_lr_mult'),
        ({'paramwise_cfg': {'custom_keys': {'head': {'lr_mul': 2}}}}, 'head.lr_mul'),
    ],
)
def test_wrong_options(change: dict, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        build_optimizer(Toy(), {**OPTIMIZER, **change})


def test_custom_keys_that_fit_no_parameter_are_named(caplog: pytest.LogCaptureFixture) -> None:
    module = nn.Sequential(nn.Linear(2, 2))
    keys = {'weight': {'lr_mult': 2.0}, 'haed': {'lr_mult': 10.0}}
    with caplog.at_level('INFO'):
        build_optimizer(module, {'type': 'SGD', 'lr': 0.1, 'paramwise_cfg': {'custom_keys': keys}})
    assert [m for m in caplog.messages if 'custom_keys' in m] == [
        'Without effect here: optimizer.paramwise_cfg.custom_keys.haed (no parameter of that name)'
    ]
