"""The adapter beside a plain transformer: shapes, start, gradients, what it refuses."""

import pytest
import torch

from mmseg.errors import ConfigError
from mmseg.models.backbones.timm_backbone import TimmBackbone
from tests.models.backbones.test_timm_survey import FAMILIES

PLAIN = ('vit', 'patches of 8', 'registers', 'beit', 'dinov2 with registers', 'dinov3', 'eva02')


def build(family='registers', **options):
    name, args = FAMILIES[family]
    return TimmBackbone(name, model_args=args, adapter={'interactions': 1, **options})


@pytest.mark.parametrize('family', PLAIN)
@pytest.mark.parametrize('size', [(64, 64), (75, 101)])
def test_maps_of_any_picture(family, size):
    backbone = build(family)
    channels = backbone.channels[-1]
    assert backbone.channels == (channels,) * 5
    assert backbone.strides == (4, 8, 16, 32, 8 if family == 'patches of 8' else 16)
    maps = backbone(torch.randn(2, 3, *size))
    for x, stride in zip(maps, backbone.strides, strict=True):
        assert x.shape == (2, channels, -(-size[0] // stride), -(-size[1] // stride))


def test_at_the_start_the_transformer_is_as_it_was():
    torch.manual_seed(0)
    backbone = build(interactions=4)
    image = torch.randn(1, 3, 64, 96)
    assert torch.equal(backbone(image)[-1], backbone.own_maps(image)[-1])
    torch.nn.init.ones_(backbone.adapter.injectors[2].gamma)
    assert not torch.allclose(backbone(image)[-1], backbone.own_maps(image)[-1])
    blocks = backbone.encoder.model.blocks
    assert not [block for block in blocks if block._forward_hooks or block._forward_pre_hooks]


def test_groups_share_the_blocks():
    assert build(interactions=4).adapter.groups == [(0, 1), (2, 3), (4, 5), (6, 7)]
    assert build(interactions=3).adapter.groups == [(0, 2), (3, 4), (5, 7)]
    assert build(interactions=1).adapter.groups == [(0, 7)]


def test_everything_learns():
    backbone = build(interactions=3)
    for key, parameter in backbone.adapter.named_parameters():  # what is zero at the start holds others back
        if key.endswith(('gamma', 'offsets.weight', 'weights.weight')):
            torch.nn.init.normal_(parameter)
    sum((x * torch.randn_like(x)).sum() for x in backbone(torch.randn(2, 3, 64, 64))).backward()
    assert [
        key for key, p in backbone.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0
    ] == []


def test_an_error_inside_leaves_no_hook():
    backbone = build(interactions=2)
    backbone.encoder.model.blocks[3].register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backbone(torch.randn(1, 3, 64, 64))
    assert not [block for block in backbone.encoder.model.blocks if block._forward_pre_hooks]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'model_name': 'resnet18', 'adapter': {}}, 'resnet18 cannot have one; expected a plain transformer'),
        ({'model_name': 'test_vit', 'adapter': {}, 'out_indices': (1,)}, 'without out_indices'),
        ({'model_name': 'test_vit', 'adapter': {'interactions': 7}}, 'interactions is 7.*has 6 blocks'),
        ({'model_name': 'test_vit', 'adapter': {'point': 7}}, 'adapter.point: unknown key'),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ConfigError, match=message):
        TimmBackbone(**options)
