"""What all heads share: input selection, loss resolution, samplers, initialisation."""

import pytest
import torch
from torch import nn

from mmseg.errors import ConfigError
from mmseg.models.heads.base import BaseDecodeHead
from mmseg.registry import MODELS
from tests.models.tiny import CLASSES, daformer_head, dlv2_head, head_on_last, segformer_head

UPER = {'type': 'UPerHead', 'in_channels': [32, 64, 160, 256], 'channels': 8, 'num_classes': CLASSES}
HEADS = [
    daformer_head(),
    segformer_head(),
    dlv2_head(),
    UPER,
    head_on_last('ASPPHead'),
    head_on_last('DepthwiseSeparableASPPHead', c1_in_channels=32, c1_channels=4),
    head_on_last('FCNHead'),
    head_on_last('ISAHead', isa_channels=4),
    head_on_last('PSPHead'),
]


@pytest.mark.parametrize('cfg', HEADS, ids=lambda cfg: cfg['type'])
def test_forward_is_classified_embedding(cfg, features) -> None:
    head: BaseDecodeHead = MODELS.build(cfg).eval()
    logits = head(features)
    assert logits.shape[:2] == (2, CLASSES)
    torch.testing.assert_close(logits, head.classify(head.embed(features)))
    label = torch.randint(0, CLASSES, (2, 1, 16, 16))
    output = head.forward_train(features, label)
    assert output.order == ['loss_seg', 'acc_seg']
    torch.testing.assert_close(output.embedding, head.embed(features))


@pytest.mark.parametrize('cfg', HEADS, ids=lambda cfg: cfg['type'])
def test_every_parameter_learns(cfg, features) -> None:
    head = MODELS.build(cfg).train()
    head.init_weights()
    head.forward_train(features, torch.randint(0, CLASSES, (2, 1, 16, 16))).losses['loss_seg'].backward()
    idle = {name for name, parameter in head.named_parameters() if parameter.grad is None}
    assert idle == ({'conv_seg.weight', 'conv_seg.bias'} if cfg['type'] == 'SegFormerHead' else set())


def test_loss_is_taken_at_the_size_of_the_label(features) -> None:
    head = MODELS.build(dlv2_head(ignore_index=7)).eval()
    logits = torch.randn(1, CLASSES, 2, 2)
    label = torch.full((1, 1, 6, 8), 7)
    assert head.losses(logits, label).losses['loss_seg'] == 0
    up = nn.functional.interpolate(logits, (6, 8), mode='bilinear', align_corners=False)
    label = torch.randint(0, CLASSES, (1, 1, 6, 8))
    expected = nn.functional.cross_entropy(up, label[:, 0])
    torch.testing.assert_close(
        head.losses(logits.bfloat16(), label).losses['loss_seg'], expected, rtol=0.02, atol=0
    )
    torch.testing.assert_close(head.losses(logits, label).losses['loss_seg'], expected)


def test_sampler_replaces_weights(features) -> None:
    sampler = {'type': 'OHEMPixelSampler', 'thresh': 1.0, 'min_kept': 1}
    head = MODELS.build(dlv2_head(sampler=sampler)).eval()
    label = torch.randint(0, CLASSES, (2, 1, 4, 4))
    logits = head(features)
    assert head.losses(logits, label, torch.zeros(2, 4, 4)).losses['loss_seg'] > 0


class Concatenating(BaseDecodeHead):
    input_transform = 'resize_concat'

    def embed(self, features):
        return self.select_inputs(features)


def test_resize_concat(features) -> None:
    head = Concatenating(in_channels=[32, 64], channels=96, num_classes=CLASSES, in_index=[0, 1])
    assert head.embed(features).shape == (2, 96, 8, 8)


def test_unknown_options_are_told_with_the_nearest_name() -> None:
    with pytest.raises(
        ConfigError, match="Concatenating.chanels: unknown key; the nearest valid name is 'channels'"
    ):
        Concatenating(in_channels=32, channels=96, num_classes=CLASSES, chanels=1)
