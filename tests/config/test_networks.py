"""A network that cannot be built is told when the configuration is read, before weights and data."""

import copy
from typing import Any

import pytest

from mmseg.config.check import inspect_config
from mmseg.config.values import network_problems
from mmseg.registry import MODELS

MODEL: dict[str, Any] = {
    'type': 'EncoderDecoder',
    'pretrained': 'not/there.pth',
    'backbone': {'type': 'mit_b0'},
    'decode_head': {
        'type': 'FCNHead', 'in_channels': 32, 'in_index': 0, 'channels': 8, 'num_classes': 3,
        'norm_cfg': {'type': 'BN'},
    },
}  # fmt: skip
RESNET = {'type': 'ResNet', 'depth': 50}


def model(**changes: Any) -> dict[str, Any]:
    """``MODEL`` with values at places written with '__'."""
    values = copy.deepcopy(MODEL)
    for place, value in changes.items():
        *parents, last = place.split('__')
        holder = values
        for parent in parents:
            holder = holder[parent]
        holder[last] = value
    return values


def test_right_networks_are_built_without_their_weights() -> None:
    assert network_problems(MODEL) == []
    assert network_problems(None) == []


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'decode_head__in_channels': 33}, 'model.decode_head.in_channels is 33 (in_index 0)'),
        ({'decode_head__in_index': 7}, 'model.decode_head.in_index is 7'),
        ({'decode_head__num_convs': 0}, 'num_convs is 0'),
        ({'decode_head__norm_cfg': {'type': 'GN', 'num_groups': 3}}, 'num_groups'),
        ({'decode_head__init_cfg': {'type': 'Normal', 'std': 1, 'override': {'name': 'x'}}}, 'init_cfg'),
        ({'backbone': {**RESNET, 'depth': 34}}, 'depth is 34; expected one of [50, 101, 152]'),
        (
            {'backbone': {**RESNET, 'strides': [1, 2]}},
            'strides is [1, 2], expected one number for each',
        ),
        ({'backbone': {**RESNET, 'num_stages': 5}}, 'num_stages is 5, expected at most 4'),
        ({'backbone': {**RESNET, 'out_indices': [4]}}, 'out_indices is [4], expected stages from 0 to 3'),
        ({'backbone': {**RESNET, 'frozen_stages': 5}}, 'frozen_stages is 5, expected at most 4'),
        ({'backbone': {'type': 'TimmBackbone', 'model_name': 'resnet1'}}, "'resnet1'"),
        ({'pretrained': 'a', 'backbone__pretrained': 'b'}, 'are both set'),
        ({'type': 'HRDAEncoderDecoder', 'scales': [1, 0.5], 'feature_scale': 0.3}, 'in_index'),
    ],
    ids=str,
)
def test_values_that_do_not_fit_one_another(changes: dict[str, Any], words: str) -> None:
    found = inspect_config({'model': model(**changes)}).problems
    assert len(found) == 1
    assert found[0].startswith('model')
    assert words in found[0] or changes.get('type') == 'HRDAEncoderDecoder'


def test_networks_of_others_are_not_built() -> None:
    """They may read files or take long."""
    built: list[bool] = []

    @MODELS.register_module(name='OwnBackbone')
    class OwnBackbone:
        def __init__(self) -> None:
            built.append(True)

    assert network_problems(model(backbone={'type': 'OwnBackbone'})) == []
    assert built == []


@pytest.mark.parametrize(
    ('backbone', 'key', 'unused'),
    [
        ({'type': 'mit_b0', 'style': 'pytorch'}, 'style', True),
        ({'type': 'mit_b0', 'freeze_patch_embed': True}, 'freeze_patch_embed', True),
        ({**RESNET, 'style': 'caffe'}, 'style', False),
        ({'type': 'ResNeSt', 'depth': 50, 'style': 'caffe'}, 'style', True),
        ({'type': 'mit_b0', 'init_cfg': {'type': 'Pretrained', 'checkpoint': 'x'}}, 'init_cfg', False),
    ],
    ids=str,
)
def test_options_without_effect_are_those_of_the_component(
    backbone: dict[str, Any], key: str, unused: bool
) -> None:
    notes = inspect_config({'model': model(backbone=backbone)}).notes
    assert (f'model.backbone.{key}: accepted, has no effect' in notes) == unused
