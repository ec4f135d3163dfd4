"""Layouts of weight files that an encoder of timm takes."""

import pytest
import timm
import torch

from mmseg.errors import CheckpointError
from mmseg.models.backbones.timm_backbone import TimmBackbone
from mmseg.models.backbones.timm_weights import convert_efficientnet_keys

DINO = 'vit_small_patch14_reg4_dinov2'
THIN = {'depth': 2, 'embed_dim': 48, 'num_heads': 3}


def backbone_of(path, name=DINO, **options):
    return TimmBackbone(name, pretrained=str(path), **{'model_args': THIN, **options})


@pytest.fixture
def authors_file(tmp_path):
    """A thin DINOv2 with registers in the layout of its authors: patches of 14 pixels, a grid of 37 x 37."""
    state = timm.create_model(DINO, **THIN).state_dict()
    state['register_tokens'] = state.pop('reg_token')
    grid = state.pop('pos_embed')
    state['pos_embed'] = torch.cat([torch.zeros(1, 1, 48), grid], dim=1)
    state['mask_token'] = torch.zeros(1, 48)
    path = tmp_path / 'dinov2_thin.pth'
    torch.save(state, path)
    return path


@pytest.mark.parametrize('size', [None, 64, (96, 128)])
def test_patches_and_positions_are_resampled_to_the_network_that_is_built(authors_file, size):
    backbone = backbone_of(authors_file, img_size=size)
    backbone.init_weights()
    given = torch.load(authors_file, weights_only=True)
    model = backbone.encoder.model
    assert torch.equal(model.blocks[1].attn.qkv.weight, given['blocks.1.attn.qkv.weight'])
    assert torch.equal(model.norm.weight, given['norm.weight'])
    assert model.patch_embed.proj.weight.shape[2:] == (16, 16)
    # What a constant picture makes of a patch does not depend on the side of the patches.
    sums = [
        weight.sum(dim=(2, 3)) for weight in (model.patch_embed.proj.weight, given['patch_embed.proj.weight'])
    ]
    torch.testing.assert_close(sums[0], sums[1], atol=0.05, rtol=0.05)
    grid = (518 // 16, 518 // 16) if size is None else (4, 4) if size == 64 else (6, 8)
    assert model.pos_embed.shape[1] == grid[0] * grid[1]


def test_own_files_load_alone_and_out_of_a_segmentor(tmp_path):
    first = TimmBackbone(DINO, model_args=THIN)
    state = first.state_dict()
    torch.save(state, tmp_path / 'backbone.pth')
    torch.save({f'backbone.{key}': value for key, value in state.items()}, tmp_path / 'segmentor.pth')
    for name in ('backbone.pth', 'segmentor.pth'):
        second = backbone_of(tmp_path / name)
        second.init_weights()
        own = second.encoder.state_dict()
        assert all(torch.equal(own[key], value) for key, value in first.encoder.state_dict().items())


def test_adapters_start_from_pretrained_weights(authors_file):
    plain, adapted = backbone_of(authors_file), backbone_of(authors_file, low_rank={'rank': 2})
    for backbone in (plain, adapted):
        backbone.init_weights()
        backbone.eval()
    image = torch.randn(1, 3, 64, 64)
    assert torch.equal(plain(image)[-1], adapted(image)[-1])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda state: state.pop('blocks.1.norm1.weight'), r'1 keys missing \(blocks.1.norm1.weight\)'),
        (lambda state: state.update({'blocks.2.norm1.weight': torch.zeros(48)}), r'1 unknown \(blocks.2.norm1.w'),
        (lambda state: state.update({'norm.weight': torch.zeros(40)}), r'1 of another shape \(norm.weight\)'),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(authors_file, tmp_path, change, message):
    state = torch.load(authors_file, weights_only=True)
    change(state)
    torch.save(state, tmp_path / 'changed.pth')
    with pytest.raises(CheckpointError, match=message):
        backbone_of(tmp_path / 'changed.pth').init_weights()


def test_loading_draws_no_random_number(authors_file):
    backbone = backbone_of(authors_file)
    state = torch.get_rng_state()
    backbone.init_weights()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize('classes', [0, 7, 1000])
def test_any_number_of_classes_is_left_out(tmp_path, classes):
    torch.save(timm.create_model('test_vit', num_classes=classes).state_dict(), tmp_path / 'file.pth')
    backbone = TimmBackbone('test_vit', pretrained=str(tmp_path / 'file.pth'))
    backbone.init_weights()
    given = torch.load(tmp_path / 'file.pth', weights_only=True)
    assert torch.equal(backbone.encoder.model.cls_token, given['cls_token'])


def test_conversion_numbers_blocks_by_stage():
    state = {
        '_conv_stem.weight': 0,
        '_blocks.0._depthwise_conv.weight': 1,
        '_blocks.0._project_conv.weight': 2,
    }
    state |= {
        '_blocks.1._expand_conv.weight': 3,
        '_blocks.1._project_conv.weight': 4,
        '_blocks.2._bn1.bias': 5,
    }
    state |= {'_blocks.2._expand_conv.weight': 6, '_blocks.2._se_reduce.bias': 7, '_fc.bias': 8}
    assert convert_efficientnet_keys(state, [1, 2]) == {
        'conv_stem.weight': 0,
        'blocks.0.0.conv_dw.weight': 1,
        'blocks.0.0.conv_pw.weight': 2,
        'blocks.1.0.conv_pw.weight': 3,
        'blocks.1.0.conv_pwl.weight': 4,
        'blocks.1.1.bn2.bias': 5,
        'blocks.1.1.conv_pw.weight': 6,
        'blocks.1.1.se.conv_reduce.bias': 7,
        'classifier.bias': 8,
    }
