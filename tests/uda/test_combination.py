"""Multi-resolution network, instance bank and masking together, from options alone."""

import torch

from mmseg.uda import DACS
from tests.models.segmentors.test_hrda import config
from tests.uda.networks import CLASSES, observed, small_batch, train


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
