"""Every family of timm's networks as encoder: what is found out about it, and pictures of odd sizes."""

import pytest
import torch

from mmseg.models.backbones.timm_backbone import TimmBackbone
from mmseg.models.backbones.timm_networks import Request
from mmseg.models.backbones.timm_survey import survey

THIN = {'depth': 1, 'embed_dim': 24, 'num_heads': 2}
FAMILIES = {
    'convolutional': ('convnext_atto', {'depths': (1, 1, 1, 1)}),
    'efficientnet': ('tf_efficientnet_lite0', {}),
    'swin': ('swin_tiny_patch4_window7_224', {'depths': (1, 1, 1, 1), 'embed_dim': 12, 'num_heads': (1, 1, 2, 2)}),
    'swinv2': ('swinv2_tiny_window8_256', {'depths': (1, 1, 1, 1), 'embed_dim': 12, 'num_heads': (1, 1, 2, 2)}),
    'pvt (the mix transformer of timm)': ('pvt_v2_b0', {'depths': (1, 1, 1, 1)}),
    'vit': ('vit_tiny_patch16_224', THIN),
    'patches of 8': ('vit_small_patch8_224', THIN),
    'registers': ('test_vit2', {}),
    'deit': ('deit_tiny_distilled_patch16_224', THIN),
    'beit': ('beit_base_patch16_224', THIN),
    'shared bias': ('beit_base_patch16_224', {**THIN, 'use_rel_pos_bias': False, 'use_shared_rel_pos_bias': True}),
    'dinov2': ('vit_small_patch14_dinov2', THIN),
    'dinov2 with registers': ('vit_small_patch14_reg4_dinov2', THIN),
    'dinov3': ('vit_small_patch16_dinov3', {**THIN, 'num_heads': 2}),
    'eva02': ('eva02_tiny_patch14_224', THIN),
    'cait': ('cait_xxs24_224', {**THIN, 'depth_token_only': 1}),
    'one size only': ('hiera_tiny_224', {'stages': (1, 1, 1, 1), 'embed_dim': 24}),
    'without fine levels': ('efficientvit_m0', {}),
}  # fmt: skip
"""A thin network of each."""


@pytest.mark.parametrize('family', FAMILIES)
@pytest.mark.parametrize('size', [(64, 64), (75, 101)])
def test_maps_of_any_picture(family, size):
    name, args = FAMILIES[family]
    backbone = TimmBackbone(name, model_args=args, pyramid_channels=8).eval()
    assert set(backbone.strides) >= {4, 8, 16, 32}
    with torch.inference_mode():
        maps = backbone(torch.randn(2, 3, *size))
    assert [x.shape[1] for x in maps] == list(backbone.channels)
    for x, stride in zip(maps, backbone.strides, strict=True):
        # Networks without padding round down; heads resize to the finest map.
        assert all(
            length // stride <= cells <= -(-length // stride)
            for cells, length in zip(x.shape[2:], size, strict=True)
        )
    assert all(x.isfinite().all() for x in maps)


@pytest.mark.parametrize('family', ['beit', 'shared bias', 'dinov2 with registers', 'dinov3', 'swin'])
def test_every_parameter_learns_at_a_size_that_the_network_was_not_built_for(family):
    name, args = FAMILIES[family]
    backbone = TimmBackbone(name, model_args=args, pyramid_channels=8)
    sum((x * torch.randn_like(x)).sum() for x in backbone(torch.randn(2, 3, 48, 80))).backward()
    assert [key for key, p in backbone.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize(
    ('family', 'expected'),
    [
        ('vit', {'plain': True, 'divisor': 16, 'fixed_size': None}),
        ('dinov2', {'plain': True, 'divisor': 16, 'fixed_size': None}),
        ('beit', {'plain': True, 'divisor': 16, 'any_grid': True}),
        ('swin', {'plain': False, 'divisor': 4, 'channels_last': True}),
        ('efficientnet', {'plain': False, 'divisor': 1, 'exact': True}),
        ('one size only', {'plain': False, 'fixed_size': (224, 224), 'exact': False}),
    ],
)
def test_what_is_found_out(family, expected):
    name, args = FAMILIES[family]
    found = survey(Request(name, {**args}))
    assert {key: getattr(found, key) for key in expected} == expected


def test_patches_of_fourteen_pixels_become_sixteen_unless_they_are_asked_for():
    name, args = FAMILIES['dinov2']
    assert TimmBackbone(name, model_args=args).encoder.model.patch_embed.patch_size == (16, 16)
    asked = TimmBackbone(name, model_args=args, patch_size=14, pyramid_channels=8)
    assert asked.encoder.model.patch_embed.patch_size == (14, 14)
    assert [tuple(x.shape[2:]) for x in asked(torch.randn(1, 3, 64, 96))] == [
        (16, 24), (8, 12), (4, 6), (2, 3), (4, 6),
    ]  # fmt: skip


def test_a_network_of_one_size_takes_the_size_it_is_built_for_as_it_is(caplog):
    args = {'stages': (1, 1, 1, 1), 'embed_dim': 24, 'img_size': [96, 128]}
    found = survey(Request('hiera_tiny_224', args))
    assert found.fixed_size == (96, 128)
    assert 'hiera_tiny_224 takes pictures of 96 x 128 pixels only' in caplog.text


def test_sixteen_bits():
    name, args = FAMILIES['beit']
    backbone = TimmBackbone(name, model_args=args, pyramid_channels=8).eval()
    with torch.inference_mode():
        image = torch.randn(1, 3, 64, 64)
        want = backbone(image)
        with torch.autocast('cpu', torch.bfloat16):
            found = backbone(image)
    for a, b in zip(found, want, strict=True):
        torch.testing.assert_close(a.float(), b, atol=0.1, rtol=0.1)
