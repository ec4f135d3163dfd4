"""Unused classifier, wrong options, initialisation."""

import pytest
import torch

from mmseg.errors import ConfigError
from mmseg.registry import MODELS
from tests.models.tiny import segformer_head


def test_inherited_classifier_is_not_used(features) -> None:
    head = MODELS.build(segformer_head())
    head(features).sum().backward()
    assert head.conv_seg.weight.grad is None
    assert head.linear_pred.weight.grad is not None


def test_wrong_decoder_params_are_named() -> None:
    with pytest.raises(ConfigError, match='embed_dims'):
        MODELS.build(segformer_head(decoder_params={'embed_dims': 16}))


def test_direct_conv_modules_are_drawn_again() -> None:
    head = MODELS.build(segformer_head())
    before = head.linear_fuse.conv.weight.clone()
    head.init_weights()
    assert not torch.equal(head.linear_fuse.conv.weight, before)


def test_channels_of_another_encoder_are_named(features) -> None:
    head = MODELS.build(segformer_head(in_channels=[64, 128, 320, 512]))
    with pytest.raises(ConfigError, match=r'\[64, 128, 320, 512\].*encoder gives \[32, 64, 160, 256\]'):
        head(features)
