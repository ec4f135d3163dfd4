"""ResNeSt: split attention, average pooling in place of strides."""

import pytest
import torch
from torch import nn

from mmseg.models.backbones.resnest import SplitAttention
from mmseg.models.backbones.resnet import BATCH_NORM
from mmseg.registry import MODELS


def build(**options):
    return MODELS.build({'type': 'ResNeSt', 'depth': 50, 'base_channels': 8, 'stem_channels': 8, **options})


@pytest.mark.parametrize('groups', [1, 2])
@pytest.mark.parametrize('radix', [1, 2, 3])
def test_weights_of_the_splits_sum_to_one(groups, radix) -> None:
    attention = SplitAttention(12, 12, 1, 1, groups, radix, 4, BATCH_NORM).eval()
    x = torch.randn(2, 12, 5, 7)
    splits = torch.relu(attention.bn0(attention.conv(x))).view(2, radix, 12, 5, 7)
    out = attention(x)
    if radix == 1:
        assert (out <= splits[:, 0]).all()
    else:
        assert (out <= splits.amax(dim=1) + 1e-5).all()
        assert (out >= splits.amin(dim=1) - 1e-5).all()


def test_weights_belong_to_group_and_split() -> None:
    attention = SplitAttention(4, 4, 1, 1, 2, 2, 4, BATCH_NORM).eval()
    nn.init.zeros_(attention.fc2.weight)
    # Scores lie (group, split, channel): choose split 0 in group 0 and split 1 in group 1.
    bias = torch.tensor([50.0, 50, -50, -50, -50, -50, 50, 50])
    attention.fc2.bias.data.copy_(bias)
    x = torch.randn(1, 4, 3, 3)
    splits = torch.relu(attention.bn0(attention.conv(x))).view(1, 2, 4, 3, 3)
    torch.testing.assert_close(attention(x)[:, :2], splits[:, 0, :2])
    torch.testing.assert_close(attention(x)[:, 2:], splits[:, 1, 2:])


@pytest.mark.parametrize('averaged', [True, False])
def test_strides(averaged) -> None:
    network = build(avg_down_stride=averaged, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))
    block = network.get_submodule('layer2.0')
    assert block.conv2.conv.stride == ((1, 1) if averaged else (2, 2))
    assert isinstance(block.avd_layer, nn.AvgPool2d) is averaged
    shapes = [tuple(x.shape[1:]) for x in network(torch.randn(2, 3, 64, 64))]
    assert shapes == [(32, 16, 16), (64, 8, 8), (128, 8, 8), (256, 8, 8)]


def test_residuals_are_averaged_also_without_stride() -> None:
    downsample = build().get_submodule('layer1.0').downsample
    assert isinstance(downsample[0], nn.AvgPool2d)
    assert [name for name, _ in downsample.named_parameters()] == ['1.weight', '2.weight', '2.bias']


def test_initialisation() -> None:
    network = build()
    network.init_weights()
    block = network.get_submodule('layer1.0')
    assert (block.bn3.weight == 0).all()
    assert (block.conv2.fc1.bias == 0).all()


def test_depth_200_is_known() -> None:
    with torch.device('meta'):
        assert len(build(depth=200).layer2) == 24
