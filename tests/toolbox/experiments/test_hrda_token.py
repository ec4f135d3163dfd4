"""The token that puts HRDA around a network."""

from typing import Any

import pytest

from mmseg.errors import UsageError
from mmseg.toolbox.experiments.architecture import parse_architecture
from mmseg.toolbox.experiments.hrda_token import HRDAToken, parse_hrda

SINGLE: dict[str, Any] = {
    'pretrained': 'x',
    'backbone': {'type': 'mit_b5'},
    'decode_head': {'norm_cfg': None},
}


def around(
    token: str, outer: tuple[int, int] = (1024, 1024), feature_distance: bool = True
) -> dict[str, Any]:
    return parse_hrda(token).around(SINGLE, 'DAFormerHead', outer, feature_distance)


def test_plain_token() -> None:
    model = around('hrda1-512-0.1')
    assert model['decode_head'] == {
        'norm_cfg': None,
        'single_scale_head': 'DAFormerHead',
        'type': 'HRDAHead',
        'attention_classwise': True,
        'hr_loss_weight': 0.1,
    }
    assert (model['type'], model['scales'], model['hr_crop_size']) == (
        'HRDAEncoderDecoder',
        [1, 0.5],
        [512, 512],
    )
    assert (model['feature_scale'], model['backbone']) == (0.5, {'type': 'mit_b5'})
    assert SINGLE['decode_head'] == {'norm_cfg': None}


def test_detail_crop_as_large_as_the_context_crop() -> None:
    model = around('hrda1-512-0.1', (512, 512))
    assert (model['decode_head']['lr_loss_weight'], model['feature_scale']) == (0.1, 'all')
    assert around('hrda1-512-0.1', (512, 512), feature_distance=False)['feature_scale'] == 0.5


@pytest.mark.parametrize(
    ('option', 'place', 'value'),
    [
        ('fixedatt', 'decode_head.fixed_attention', 0.5),
        ('nooverlap', 'hr_slide_overlapping', False),
        ('singleatt', 'decode_head.attention_classwise', False),
        ('blurhr', 'blur_hr_crop', True),
        ('samescale', 'scales', [1, 1]),
        ('samescale', 'feature_scale', 1),
        ('sc0.75', 'scales', [1, 0.75]),
        ('sc0.75', 'feature_scale', 0.75),
    ],
)
def test_options(option: str, place: str, value: Any) -> None:
    found: Any = around(f'hrda1-512-0-{option}')
    for key in place.split('.'):
        found = found[key]
    assert found == value


def test_scale_option_keeps_features_of_all_scales() -> None:
    model = around('hrda1-512-0.1-sc0.25', (512, 512))
    assert (model['scales'], model['feature_scale']) == ([1, 0.25], 'all')


def test_token_in_an_architecture() -> None:
    parsed = parse_architecture('hrda1-384-0-fixedatt-nooverlap_daformer_sepaspp', 'mitb5')
    assert parsed.hrda == HRDAToken(384, 0.0, ('fixedatt', 'nooverlap'))
    assert parsed.base_file() == '_base_/models/daformer_sepaspp_mitb5.py'


@pytest.mark.parametrize(
    'token', ['hrda1', 'hrda2-512-0.1', 'hrda1-512-x', 'hrda1-512-0.1-blur', 'hrda1-512-0.1-']
)
def test_mistakes_are_explained(token: str) -> None:
    with pytest.raises(UsageError, match='hrda1-CROP-WEIGHT|valid: fixedatt'):
        parse_hrda(token)
