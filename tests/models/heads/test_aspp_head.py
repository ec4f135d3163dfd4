"""DeepLabV3 and DeepLabV3+."""

import pytest
import torch

from mmseg.registry import MODELS
from tests.models.tiny import CLASSES, NORM, head_on_last


def deeplabv3plus(**changes):
    cfg = {'c1_in_channels': 32, 'c1_channels': 3, 'dilations': [1, 2]}
    return MODELS.build(head_on_last('DepthwiseSeparableASPPHead', **{**cfg, **changes})).eval()


def test_deeplabv3_keeps_the_size_of_its_level(features) -> None:
    head = MODELS.build(head_on_last('ASPPHead', dilations=[1, 2, 3], norm_cfg=NORM)).eval()
    assert head(features).shape == (2, CLASSES, 1, 1)
    assert head.bottleneck.conv.in_channels == 4 * 8
    assert head.aspp_modules[2].conv.dilation == (3, 3)


def test_deeplabv3plus_refines_at_the_finest_level(features) -> None:
    head = deeplabv3plus()
    assert head(features).shape == (2, CLASSES, 8, 8)
    assert head.sep_bottleneck[0].depthwise_conv.conv.in_channels == 8 + 3
    assert head.aspp_modules[1].depthwise_conv.conv.groups == 256


def test_deeplabv3plus_without_the_finest_level(features) -> None:
    head = deeplabv3plus(c1_in_channels=0)
    assert head(features).shape == (2, CLASSES, 1, 1)
    assert not any('c1' in key for key in head.state_dict())


@pytest.mark.parametrize('norm', [None, NORM])
def test_convolutions_have_a_bias_only_without_norm(norm) -> None:
    keys = set(deeplabv3plus(norm_cfg=norm).state_dict())
    assert ('image_pool.1.conv.bias' in keys) is (norm is None)
    assert any('.bn.' in key for key in keys) is (norm is not None)


def test_pooled_branch_has_the_same_value_everywhere(features) -> None:
    head = MODELS.build(head_on_last('ASPPHead', in_channels=32, in_index=0, dilations=[1])).eval()
    pooled = head.image_pool(features[0])
    assert pooled.shape == (2, 8, 1, 1)
    torch.testing.assert_close(
        pooled, head.image_pool[1](features[0].mean(dim=(2, 3), keepdim=True)), rtol=1e-4, atol=1e-6
    )
