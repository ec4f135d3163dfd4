"""Options of the ResNet family."""

import pytest

from mmseg.errors import ConfigError
from mmseg.models.backbones.resnet_options import Stages
from mmseg.registry import MODELS


def test_what_is_not_given_stays_as_usual_for_the_class() -> None:
    usual = Stages(deep_stem=True, groups=32, base_width=4)
    assert usual.changed(None, None, None, None) == usual
    assert usual.changed(False, True, None, 8) == Stages(avg_down=True, groups=32, base_width=8)


def test_width() -> None:
    assert Stages(groups=32, base_width=4).width(64) == 128


@pytest.mark.parametrize(
    ('kind', 'options', 'message'),
    [
        ('ResNet', {'depht': 50}, "ResNet.depht: unknown key; the nearest valid name is 'depth'"),
        ('ResNetV1c', {'depth': 50, 'style': 3}, "ResNetV1c.style: found 3, expected 'pytorch' or 'caffe'"),
        ('ResNeSt', {'depth': 50, 'deep_stem': True}, 'ResNeSt.deep_stem: unknown key'),
        ('ResNet', {'depth': 34}, r'depth is 34; expected one of \[50, 101, 152\]'),
    ],
)
def test_wrong_options_are_told(kind: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MODELS.build({'type': kind, **options})
