"""ResNet: output strides, dilation, what is frozen, initialisation."""

import pytest
import torch
from torch import nn

from mmseg.errors import ConfigError
from mmseg.registry import MODELS

DILATED = {'strides': (1, 2, 1, 1), 'dilations': (1, 1, 2, 4), 'contract_dilation': True}


def build(**options):
    return MODELS.build({'type': 'ResNetV1c', 'depth': 50, 'base_channels': 4, 'stem_channels': 8, **options})


def test_output_stride_8() -> None:
    outputs = build(**DILATED)(torch.randn(2, 3, 64, 64))
    assert [tuple(x.shape) for x in outputs] == [
        (2, 16, 16, 16),
        (2, 32, 8, 8),
        (2, 64, 8, 8),
        (2, 128, 8, 8),
    ]


def test_contracted_dilation() -> None:
    network = build(**DILATED)
    dilations = [[block.conv2.dilation[0] for block in network.get_submodule(f'layer{i}')] for i in (3, 4)]
    assert dilations == [[1, 2, 2, 2, 2, 2], [2, 4, 4]]
    assert build(**{**DILATED, 'contract_dilation': False}).get_submodule('layer4.0').conv2.dilation == (4, 4)


def test_out_indices_and_style() -> None:
    network = build(out_indices=(1, 3), style='caffe')
    assert [x.shape[1] for x in network(torch.randn(1, 3, 64, 64))] == [32, 128]
    block = network.get_submodule('layer2.0')
    assert (block.conv1.stride, block.conv2.stride) == ((2, 2), (1, 1))


def test_frozen_stages_and_norm_eval() -> None:
    network = build(frozen_stages=1, norm_eval=True).train()
    frozen = {name.split('.')[0] for name, p in network.named_parameters() if not p.requires_grad}
    assert frozen == {'stem', 'layer1'}
    assert not any(m.training for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    assert build().train().get_submodule('layer2.0.bn1').training


def test_residual_branches_start_at_zero() -> None:
    network = build()
    network.init_weights()
    for name, parameter in network.named_parameters():
        if name.endswith('bn3.weight'):
            assert (parameter == 0).all()
        elif name.endswith('bn2.weight'):
            assert (parameter == 1).all()


def test_plain_stem() -> None:
    keys = MODELS.build({'type': 'ResNet', 'depth': 50, 'base_channels': 4}).state_dict()
    assert tuple(keys['conv1.weight'].shape) == (64, 3, 7, 7)


def test_unknown_depth() -> None:
    with pytest.raises(ConfigError, match=r'depth is 34; expected one of \[50, 101, 152\]'):
        build(depth=34)


def test_v1d_averages_residuals() -> None:
    network = MODELS.build({'type': 'ResNetV1d', 'depth': 50, 'base_channels': 4, 'stem_channels': 8})
    assert isinstance(network.get_submodule('layer2.0').downsample[0], nn.AvgPool2d)
    assert network.stem[0].kernel_size == (3, 3)
