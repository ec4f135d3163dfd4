"""ConvModule: published child names, bias only without norm, options."""

import pytest
import torch

from mmseg.errors import ConfigError
from mmseg.models.conv import ConvModule, DepthwiseSeparableConvModule

BN = {'type': 'BN', 'requires_grad': True}
RELU = {'type': 'ReLU'}


def test_names_with_and_without_norm() -> None:
    normed = ConvModule(3, 4, 3, padding=1, norm_cfg=BN, act_cfg=RELU)
    assert [name for name, _ in normed.named_parameters()] == ['conv.weight', 'bn.weight', 'bn.bias']
    assert normed(torch.randn(2, 3, 5, 6)).min() >= 0
    plain = ConvModule(3, 4, 1)
    assert [name for name, _ in plain.named_parameters()] == ['conv.weight', 'conv.bias']
    assert plain(torch.randn(2, 3, 5, 6)).min() < 0


def test_separable_pair() -> None:
    pair = DepthwiseSeparableConvModule(6, 4, 3, padding=2, dilation=2, norm_cfg=BN, act_cfg=RELU)
    shapes = {name: tuple(p.shape) for name, p in pair.named_parameters() if 'conv.weight' in name}
    assert shapes == {'depthwise_conv.conv.weight': (6, 1, 3, 3), 'pointwise_conv.conv.weight': (4, 6, 1, 1)}
    assert pair(torch.randn(2, 6, 7, 8)).shape == (2, 4, 7, 8)


def test_frozen_norm_and_group_norm() -> None:
    frozen = ConvModule(3, 4, 1, norm_cfg={'type': 'BN', 'requires_grad': False})
    assert [p.requires_grad for p in frozen.parameters()] == [True, False, False]
    assert 'gn.weight' in ConvModule(3, 4, 1, norm_cfg={'type': 'GN', 'num_groups': 2}).state_dict()


@pytest.mark.parametrize(
    'options, word',
    [
        ({'norm_cfg': {'type': 'BatchNorm'}}, 'BN, SyncBN, GN'),
        ({'norm_cfg': {'type': 'BN', 'epsilon': 1}}, 'epsilon'),
        ({'act_cfg': {'type': 'Relu'}}, 'ReLU'),
    ],
)
def test_wrong_options_are_named(options, word) -> None:
    with pytest.raises(ConfigError, match=word):
        ConvModule(3, 4, 1, **options)
