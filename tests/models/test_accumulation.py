"""An encoder that sees a batch in portions learns what it learns from the whole batch, and keeps less."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from mmseg.errors import ConfigError
from mmseg.models.accumulation import accumulate
from mmseg.models.activation_checkpointing import checkpoint_blocks
from mmseg.registry import MODELS
from tests.models.test_activation_checkpointing import OWN, TIMM, kept

WITHOUT_BATCH_NORMS = {
    'mit': {'type': 'mit_b0', 'drop_path_rate': 0.5, 'drop_rate': 0.1},
    **{
        name: {**TIMM[name], 'model_args': {**TIMM[name]['model_args'], 'drop_path_rate': 0.3}}
        for name in ('vit', 'swin', 'convolutional', 'beit', 'dinov3', 'eva02')
    },
}
CLOSE = {'rtol': 1e-3, 'atol': 1e-4}
"""Sums of float32 numbers over images in another order."""


def results(backbone: nn.Module, images: int) -> tuple[dict[str, torch.Tensor], int]:
    torch.manual_seed(3)
    maps, size = kept(backbone, torch.randn(images, 3, 64, 64))
    sum((x * torch.randn_like(x)).mean() for x in maps).backward()
    left = {f'map {number}': x.detach() for number, x in enumerate(maps)}
    left |= {f'gradient of {key}': p.grad for key, p in backbone.named_parameters() if p.grad is not None}
    return {**left, 'random state': torch.rand(4)}, size


@pytest.mark.parametrize('name', WITHOUT_BATCH_NORMS)
@pytest.mark.parametrize(('images', 'portions'), [(4, 2), (3, 2), (2, 4)])
def test_portions_make_no_difference(name: str, images: int, portions: int) -> None:
    torch.manual_seed(1)
    whole = MODELS.build(WITHOUT_BATCH_NORMS[name]).train()
    divided = copy.deepcopy(whole)
    accumulate(divided, portions)
    assert list(divided.state_dict()) == list(whole.state_dict())
    (first, all_kept), (second, less_kept) = results(whole, images), results(divided, images)
    assert first.keys() == second.keys()
    assert torch.equal(first['random state'], second['random state'])
    for key, value in first.items():
        torch.testing.assert_close(second[key], value, **CLOSE, msg=lambda text, key=key: f'{key}: {text}')
    assert less_kept < all_kept


def test_together_with_blocks_that_compute_twice() -> None:
    torch.manual_seed(1)
    whole = MODELS.build(WITHOUT_BATCH_NORMS['mit']).train()
    divided = copy.deepcopy(whole)
    checkpoint_blocks(divided)
    accumulate(divided, 2)
    first, second = results(whole, 4)[0], results(divided, 4)[0]
    for key, value in first.items():
        torch.testing.assert_close(second[key], value, **CLOSE)


def test_without_gradients_the_batch_is_whole() -> None:
    backbone = MODELS.build({'type': 'mit_b0'})
    accumulate(backbone, 2)
    seen: list[int] = []
    backbone.block1[0].register_forward_hook(lambda *found: seen.append(len(found[2])))
    with torch.no_grad():
        backbone.train()(torch.randn(4, 3, 64, 64))
    backbone.eval()(torch.randn(4, 3, 64, 64))
    assert seen == [4, 4]
    backbone.train()(torch.randn(4, 3, 64, 64))
    assert seen == [4, 4, 2, 2]


@pytest.mark.parametrize('cfg', [OWN['resnet'], TIMM['efficientnet']])
def test_batch_norms_are_refused(cfg: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r'gradient_accumulation is 2, but the encoder .* has batch norms'):
        accumulate(MODELS.build(cfg), 2)
