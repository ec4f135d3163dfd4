"""FCN head."""

import pytest
import torch

from mmseg.errors import ConfigError
from mmseg.registry import MODELS
from tests.models.tiny import CLASSES, NORM, head_on_last


def build(**changes):
    return MODELS.build(head_on_last('FCNHead', in_channels=32, in_index=0, **changes)).eval()


def test_result_and_input_are_fused(features) -> None:
    head = build(num_convs=1, dilation=2, norm_cfg=NORM)
    assert head(features).shape == (2, CLASSES, 8, 8)
    expected = head.conv_cat(torch.cat([features[0], head.convs(features[0])], dim=1))
    torch.testing.assert_close(head.embed(features), expected)
    assert (head.convs[0].conv.dilation, head.conv_cat.conv.dilation) == ((2, 2), (1, 1))


def test_without_input(features) -> None:
    head = build(kernel_size=1, concat_input=False)
    assert len(head.convs) == 2
    torch.testing.assert_close(head.embed(features), head.convs(features[0]))


def test_without_convolutions(features) -> None:
    head = build(num_convs=0, channels=32, concat_input=False)
    torch.testing.assert_close(head.embed(features), features[0])
    with pytest.raises(ConfigError, match='num_convs is 0, in_channels 32 and channels 8'):
        build(num_convs=0)
