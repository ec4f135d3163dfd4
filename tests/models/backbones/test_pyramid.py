"""The pyramid of a plain transformer: strides, channels, sizes, and what stays the encoder's own."""

import pytest
import torch
from torch import nn

from mmseg.models.backbones.pyramid import ChannelNorm, Resampling, SimplePyramid
from mmseg.models.levels import Levels


def maps_of(levels: Levels, size):
    return [
        torch.randn(2, c, -(-size[0] // s), -(-size[1] // s))
        for c, s in zip(levels.channels, levels.strides, strict=True)
    ]


@pytest.mark.parametrize('patch', [8, 16, 32])
@pytest.mark.parametrize('size', [(64, 64), (96, 128), (75, 101), (40, 33)])
def test_one_map_becomes_four_and_stays_the_last(patch, size):
    pyramid = SimplePyramid(Levels((24,), (patch,)), 8)
    own = maps_of(pyramid.own, size)
    found = pyramid(own, size)
    assert pyramid.levels == Levels((8, 8, 8, 8, 24), (4, 8, 16, 32, patch))
    assert [x.shape[1] for x in found] == list(pyramid.levels.channels)
    for x, stride in zip(found, pyramid.levels.strides, strict=True):
        assert x.shape[2:] == (-(-size[0] // stride), -(-size[1] // stride))
    assert found[-1] is own[-1]


def test_layers_are_those_of_the_paper():
    pyramid = SimplePyramid(Levels((64,), (16,)), 32)
    kinds = {stride: [type(layer) for layer in pyramid.made[str(stride)][0]] for stride in (4, 8, 16, 32)}
    assert kinds == {
        4: [nn.ConvTranspose2d, ChannelNorm, nn.GELU, nn.ConvTranspose2d],
        8: [nn.ConvTranspose2d],
        16: [],
        32: [nn.MaxPool2d],
    }
    assert [tuple(layer.weight.shape) for layer in pyramid.made['4'][0] if hasattr(layer, 'stride')] == [
        (64, 32, 2, 2),
        (32, 16, 2, 2),
    ]
    assert [tuple(pyramid.made['4'][i].weight.shape) for i in (1, 3)] == [(32, 16, 1, 1), (32, 32, 3, 3)]


def test_blocks_of_four_depths_feed_a_level_each():
    pyramid = SimplePyramid(Levels((4, 4, 4, 4), (16, 16, 16, 16)), 8)
    own = maps_of(pyramid.own, (64, 64))
    changed = [*own]
    changed[2] = own[2] + 1 + torch.rand_like(own[2])
    before, after = pyramid(own, (64, 64)), pyramid(changed, (64, 64))
    assert [torch.equal(a, b) for a, b in zip(before, after, strict=True)] == [True, True, False, True, True]
    assert after[-1] is own[-1]


def test_own_maps_are_kept_and_only_missing_ones_made():
    pyramid = SimplePyramid(Levels((12, 24, 48), (16, 32, 64)), 8)
    own = maps_of(pyramid.own, (128, 192))
    found = pyramid(own, (128, 192))
    assert pyramid.levels == Levels((8, 8, 12, 24, 48), (4, 8, 16, 32, 64))
    assert [x.shape[1:] for x in found[:2]] == [(8, 32, 48), (8, 16, 24)]
    assert all(a is b for a, b in zip(found[2:], own, strict=True))
    assert list(pyramid.made) == ['4', '8']


def test_a_missing_coarse_map_is_not_the_last():
    pyramid = SimplePyramid(Levels((12, 24, 48), (4, 8, 16)), 8)
    own = maps_of(pyramid.own, (64, 64))
    assert pyramid.levels == Levels((12, 24, 48, 8, 48), (4, 8, 16, 32, 16))
    assert pyramid(own, (64, 64))[-1] is own[-1]


def test_a_map_with_too_few_cells_is_extended():
    pyramid = SimplePyramid(Levels((6,), (16,)), 4)
    found = pyramid([torch.randn(1, 6, 4, 6)], (75, 101))
    assert [tuple(x.shape[2:]) for x in found[:4]] == [(19, 26), (10, 13), (5, 7), (3, 4)]


def test_every_layer_gets_a_gradient_but_those_in_front_of_a_norm_may_vanish():
    pyramid = SimplePyramid(Levels((6,), (16,)), 4)
    own = [torch.randn(2, 6, 4, 4, requires_grad=True)]
    sum((x * torch.randn_like(x)).sum() for x in pyramid(own, (64, 64))).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in pyramid.parameters())
    assert own[0].grad.abs().sum() > 0


def test_channel_norm_is_a_layer_norm_of_each_position():
    norm = ChannelNorm(5)
    x = torch.randn(2, 5, 3, 4)
    torch.testing.assert_close(norm(x).mean(dim=1), torch.zeros(2, 3, 4), atol=1e-6, rtol=0)
    assert Resampling(3, 0.25)(torch.randn(1, 3, 5, 9)).shape == (1, 3, 2, 3)
