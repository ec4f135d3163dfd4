"""Multi-resolution network, instance bank and masking together, from options alone; the network with every method."""

from typing import Any

import pytest
import torch

from mmseg.registry import MODELS
from mmseg.uda import DACS
from mmseg.uda.supervised import Supervised
from tests.models.segmentors.test_hrda import config
from tests.uda.networks import CLASSES, DISTANCE, TWO_SCALES, observed, small_batch, train


def test_hrda_with_instance_bank_and_masking():
    torch.manual_seed(0)
    method = DACS(
        config(head={'num_classes': CLASSES}),
        max_iters=10,
        imnet_feature_dist_lambda=0.1,
        pseudo_threshold=0.0,
        instance_bank={'mode': 'clean', 'bank_size': 8, 'min_fill': 0.0},
        mask_mode='separatetrgaug',
        mask_lambda=1,
        mask_generator={'type': 'block', 'mask_ratio': 0.7, 'mask_block_size': 16},
    )
    groups = observed(method)
    for logged in train(method, [small_batch(size=(128, 128), seed=i) for i in range(2)]):
        assert all(value.isfinite() for value in logged.values())
    names = list(logged)
    assert list(groups) == ['source', 'mixed', 'masked']
    order = ['decode.hr.loss_seg', 'mix.decode.hr.loss_seg', 'instance.loss_in', 'masked.decode.hr.loss_seg']
    assert sorted(order, key=names.index) == order


SIZE = (64, 96)
EVERY_METHOD: dict[str, tuple[dict[str, Any], list[str]]] = {
    'DACS': ({'type': 'DACS', 'pseudo_threshold': 0.3}, ['source', 'mixed']),
    'with feature distance': ({'type': 'DACS', 'pseudo_threshold': 0.3, **DISTANCE}, ['source', 'mixed']),
    'source only': ({'type': 'DACS', 'source_only': True}, ['source']),
    'MinEnt': ({'type': 'MinEnt', 'lambda_ent': {'main': 0.5}}, ['source', 'entropy']),
    'AdvSeg': (
        {'type': 'AdvSeg', 'lambda_adv_target': {'main': 0.1}},
        ['source', 'adversarial'],
    ),
}


@pytest.mark.parametrize('name', EVERY_METHOD)
def test_hrda_with_every_method(name: str) -> None:
    options, expected = EVERY_METHOD[name]
    torch.manual_seed(0)
    method = MODELS.build({**options, 'model': TWO_SCALES, 'max_iters': 10})
    groups = observed(method)
    for logged in train(method, [small_batch(size=SIZE, seed=i) for i in range(2)]):
        assert all(value.isfinite() for key, value in logged.items() if 'imnet' not in key)
    assert list(groups)[: len(expected)] == expected
    assert groups['source'].losses['decode.hr.loss_seg'].item() > 0


def test_hrda_without_adaptation() -> None:
    """Source-only and target-only training: the network is all there is."""
    torch.manual_seed(0)
    method = Supervised(MODELS.build(TWO_SCALES))
    batch = {key: value for key, value in small_batch(size=SIZE).items() if 'target' not in key}
    (logged,) = train(method, [batch])
    assert list(logged) == ['decode.loss_seg', 'decode.acc_seg', 'decode.hr.loss_seg', 'decode.hr.acc_seg']
    assert all(value.isfinite() for value in logged.values())
