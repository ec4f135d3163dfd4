"""The mini-language of architectures."""

from typing import Any

import pytest

from mmseg.errors import UsageError
from mmseg.toolbox.experiments.architecture import parse_architecture


@pytest.mark.parametrize(
    ('name', 'backbone', 'base'),
    [
        ('segformer', 'mitb3', 'segformer_b5'),
        ('segformer', 'r101v1c', 'segformer_r101'),
        ('daformer_sepaspp', 'mitb5', 'daformer_sepaspp_mitb5'),
        ('upernet_ch256', 'mitb5', 'upernet_ch256_mit'),
        ('dlv2red', 's101', 'deeplabv2red_r50-d8'),
        ('da_nodbn', 'r101v1c', 'danet_r50-d8'),
        ('sfa_dlv3p_nodbn', 'mitb5-del', 'deeplabv3plus_r50-d8'),
    ],
)
def test_base_file(name: str, backbone: str, base: str) -> None:
    assert parse_architecture(name, backbone).base_file() == f'_base_/models/{base}.py'


def test_changes_to_the_base_file() -> None:
    assert parse_architecture('sfa_dlv3p_nodbn', 'mitb5-del').model() == {
        'pretrained': 'pretrained/mit_b5.pth',
        'backbone': {'_delete_': True, 'type': 'mit_b5'},
        'neck': {'type': 'SegFormerAdapter'},
        'decode_head': {'norm_cfg': None, 'c1_in_channels': 64, 'in_channels': 512},
    }
    plain: dict[str, Any] = {
        'pretrained': 'open-mmlab://resnet50_v1c',
        'backbone': {'depth': 50},
        'decode_head': {},
    }
    assert parse_architecture('dlv2red', 'r50v1c').model() == plain


def test_models_are_not_shared() -> None:
    first = parse_architecture('segformer', 'mitb5').model()
    first['backbone']['depth'] = 1
    assert parse_architecture('segformer', 'mitb5').model()['backbone'] == {'type': 'mit_b5'}


@pytest.mark.parametrize(
    ('name', 'backbone', 'told'),
    [
        ('daformer_sepasp', 'mitb5', "the nearest valid name is 'daformer_sepaspp'"),
        ('segformer', 'mitb9', 'no backbone'),
        ('segformer', 'r50v1c', 'cannot be put on'),
        ('daformer_sepaspp', 'r101v1c', 'cannot be put on'),
        ('dlv2red', 'mitb5', r'mitb\*-del, which replaces the ResNet'),
    ],
)
def test_mistakes_are_explained(name: str, backbone: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_architecture(name, backbone)
