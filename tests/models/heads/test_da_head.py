"""DANet head: both attentions, three losses."""

import pytest
import torch

from mmseg.models.heads.da_head import ChannelAttention, PositionAttention
from mmseg.registry import MODELS
from tests.models.tiny import CLASSES, NORM, head_on_last


def build(**changes):
    cfg = {'in_channels': 32, 'in_index': 0, 'pam_channels': 2, 'norm_cfg': NORM, **changes}
    return MODELS.build(head_on_last('DAHead', **cfg))


def test_position_attention_is_not_scaled() -> None:
    block = PositionAttention(3, 2)
    x = torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(block(x), x)
    torch.nn.init.constant_(block.gamma.scale, 0.5)
    query, key, value = (
        project(x).flatten(2) for project in (block.query_project, block.key_project, block.value_project)
    )
    attention = (query.transpose(1, 2) @ key).softmax(dim=-1)
    expected = (value @ attention.transpose(1, 2)).view(2, 3, 4, 5) * 0.5 + x
    torch.testing.assert_close(block(x), expected)


def test_channel_attention_prefers_unlike_channels() -> None:
    block = ChannelAttention()
    torch.nn.init.ones_(block.gamma.scale)
    x = torch.randn(2, 3, 4, 5)
    rows = x.flatten(2)
    energy = rows @ rows.transpose(1, 2)
    attention = (energy.amax(dim=-1, keepdim=True) - energy).softmax(dim=-1)
    torch.testing.assert_close(block(x), (attention @ rows).view_as(x) + x)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_channel_attention_does_not_overflow(dtype) -> None:
    block = ChannelAttention()
    torch.nn.init.ones_(block.gamma.scale)
    x = torch.full((1, 2, 64, 64), 40.0, dtype=dtype, requires_grad=True)
    out = block(x)
    assert out.isfinite().all()
    out.float().sum().backward()
    assert x.grad.isfinite().all()


def test_three_losses_and_one_output(features) -> None:
    head = build().train()
    head.init_weights()
    label = torch.randint(0, CLASSES, (2, 1, 16, 16))
    output = head.forward_train(features, label)
    assert output.order == [f'{p}.{n}' for p in ('pam_cam', 'pam', 'cam') for n in ('loss_seg', 'acc_seg')]
    sum(output.losses.values()).backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
    head.eval()
    assert head(features).shape == (2, CLASSES, 8, 8)


def test_embedding_is_the_sum_of_the_branches(features) -> None:
    head = build(dropout_ratio=0).eval()
    position, channel = head.branches(features)
    torch.testing.assert_close(head.embed(features), position + channel)
    assert head.dropout is None
    label = torch.zeros(2, 1, 4, 4, dtype=torch.long)
    weight = torch.zeros(2, 4, 4)
    losses = head.forward_train(features, label, weight).losses
    assert losses['pam.loss_seg'] == losses['cam.loss_seg'] == 0
