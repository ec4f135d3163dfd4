"""Blocks that compute twice give the same bits and keep less."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmseg.models import build_segmentor
from mmseg.models.accumulation import accumulate
from mmseg.models.activation_checkpointing import checkpoint_blocks, checkpoint_branches
from mmseg.models.global_batch import share_batch
from mmseg.registry import MODELS
from mmseg.streams import Streams
from tests.models.backbones.test_timm_survey import FAMILIES
from tests.models.tiny import CLASSES, daformer_head, segmentor

OWN: dict[str, dict[str, Any]] = {
    'mit': {'type': 'mit_b0', 'drop_path_rate': 0.5, 'drop_rate': 0.1, 'attn_drop_rate': 0.1},
    'resnet': {'type': 'ResNetV1c', 'depth': 50, 'base_channels': 8},
    'resnext': {'type': 'ResNeXt', 'depth': 50, 'base_channels': 8, 'groups': 2, 'base_width': 32},
    'resnest': {'type': 'ResNeSt', 'depth': 50, 'base_channels': 8},
    'adapter': {
        'type': 'TimmBackbone',
        'model_name': FAMILIES['vit'][0],
        'model_args': FAMILIES['vit'][1],
        'adapter': {'interactions': 1},
    },
}
TIMM: dict[str, dict[str, Any]] = {
    family: {'type': 'TimmBackbone', 'model_name': name, 'model_args': args}
    for family, (name, args) in FAMILIES.items()
}


def kept(backbone: nn.Module, image: Tensor) -> tuple[list[Tensor], int]:
    """Maps of an image, and the bytes that autograd keeps of other tensors than weights."""
    weights = {weight.untyped_storage().data_ptr() for weight in backbone.parameters()}
    found: dict[int, int] = {}

    def keep(x: Tensor) -> Tensor:
        storage = x.untyped_storage()
        if storage.data_ptr() not in weights:
            found[storage.data_ptr()] = storage.nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        maps = list(backbone(image))
    return maps, sum(found.values())


def results(backbone: nn.Module) -> tuple[dict[str, Tensor], int]:
    """All that two passes leave behind, and the bytes kept for the second one."""
    torch.manual_seed(3)
    for _ in range(2):
        maps, size = kept(backbone, torch.randn(2, 3, 64, 64))
        sum((x * torch.randn_like(x)).sum() for x in maps).backward()
    left = {f'map {number}': x.detach() for number, x in enumerate(maps)}
    left |= {f'gradient of {key}': p.grad for key, p in backbone.named_parameters() if p.grad is not None}
    return {**left, **dict(backbone.named_buffers())}, size


@pytest.mark.parametrize('cfg', [*OWN.values(), *TIMM.values()], ids=[*OWN, *TIMM])
def test_the_same_bits(cfg: dict[str, Any]) -> None:
    torch.manual_seed(1)
    plain = MODELS.build(cfg).train()
    twice = copy.deepcopy(plain)
    assert checkpoint_blocks(twice) > 0
    assert list(twice.state_dict()) == list(plain.state_dict())
    (first, all_kept), (second, less_kept) = results(plain), results(twice)
    assert first.keys() == second.keys()
    assert [key for key in first if not torch.equal(first[key], second[key])] == []
    assert less_kept < all_kept


TWO_SCALES = {
    'type': 'HRDAEncoderDecoder',
    'decode_head': daformer_head(
        type='HRDAHead', single_scale_head='DAFormerHead', attention_embed_dim=8, hr_loss_weight=0.1
    ),
    'scales': [1, 0.5],
    'hr_crop_size': [32, 32],
    'feature_scale': 0.5,
    'crop_coord_divisible': 8,
}


@pytest.mark.parametrize('changes', [{}, TWO_SCALES], ids=['one scale', 'two scales'])
def test_decoders_give_the_same_bits(changes: dict[str, Any]) -> None:
    torch.manual_seed(1)
    plain = build_segmentor(segmentor(**changes)).train()
    twice = copy.deepcopy(plain)
    branches = checkpoint_branches(twice.decode_head)
    assert branches > 0
    assert list(twice.state_dict()) == list(plain.state_dict())
    found = []
    for each in (plain, twice):
        torch.manual_seed(2)
        image, label = torch.randn(2, 3, 64, 64), torch.randint(0, CLASSES, (2, 1, 64, 64))
        losses = each.forward_train(image, label, draws=Streams(0, 0)).losses
        torch.stack(list(losses.values())).sum().backward()
        left = {key: p.grad for key, p in each.named_parameters() if p.grad is not None}
        found.append({**left, **dict(each.named_buffers()), **losses})
    first, second = found
    assert first.keys() == second.keys()
    assert [key for key in first if not torch.equal(first[key], second[key])] == []


def test_what_is_not_trained_computes_once() -> None:
    backbone = MODELS.build({'type': 'mit_b0'})
    checkpoint_blocks(backbone)
    calls: list[int] = []
    backbone.block1[0].attn.register_forward_hook(lambda *_: calls.append(0))
    with torch.no_grad():
        backbone.train()(torch.randn(1, 3, 64, 64))
    backbone.eval()(torch.randn(1, 3, 64, 64))[0].sum().backward()
    assert len(calls) == 2
    backbone.train()(torch.randn(1, 3, 64, 64))[3].sum().backward()
    assert len(calls) == 4


def test_together_with_what_is_shared_by_processes() -> None:
    """Either may be switched on first."""
    first, second = (MODELS.build({'type': 'mit_b0', 'drop_path_rate': 0.2}) for _ in range(2))
    share_batch(first)
    checkpoint_blocks(first)
    checkpoint_blocks(second)
    share_batch(second)
    kinds = [[type(module).__name__ for module in backbone.modules()] for backbone in (first, second)]
    assert kinds[0] == kinds[1]
    assert {'SharedDropPath', 'CheckpointedBlock'} <= set(kinds[0])


@pytest.mark.parametrize('change', [checkpoint_blocks, lambda backbone: accumulate(backbone, 2)])
def test_several_backward_passes_through_one_graph(change: Callable[[nn.Module], Any]) -> None:
    """As uda.print_grad_magnitude makes them."""
    torch.manual_seed(1)
    backbone = MODELS.build({'type': 'mit_b0', 'drop_path_rate': 0.5}).train()
    change(backbone)
    parameters = list(backbone.parameters())
    loss = sum(x.square().mean() for x in backbone(torch.randn(2, 3, 64, 64)))
    first, second = (torch.autograd.grad(loss, parameters, retain_graph=True) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    loss.backward()
    assert all(torch.equal(one, p.grad) for one, p in zip(first, parameters, strict=True))
