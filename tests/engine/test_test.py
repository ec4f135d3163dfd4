"""Options of a test run that change the configuration, and subset scores."""

import numpy as np
import pytest
from mmengine.config import Config

from mmseg.engine import test as module
from mmseg.errors import UsageError


def config() -> Config:
    data = {
        'train': {},
        'test': {'img_dir': 'leftImg8bit/val', 'number': 3, 'pipeline': [{'type': 'Load'}, {'flip': False}]},
    }
    return Config({'data': data, 'model': {'test_cfg': {'mode': 'whole'}}})


def test_multi_scale_and_split() -> None:
    cfg = config()
    module.set_multi_scale(cfg)
    module.set_test_split(cfg)
    assert cfg.data.test.pipeline[1] == {'flip': True, 'img_ratios': [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]}
    assert cfg.data.test.img_dir == 'leftImg8bit/test'
    assert cfg.data.test.number == 3


def test_inference_mode() -> None:
    cfg = config()
    with pytest.raises(UsageError, match='crop_size'):
        module.set_inference_mode(cfg, 'slide')
    cfg.crop_size = (64, 96)
    module.set_inference_mode(cfg, 'slide')
    assert cfg.model.test_cfg == {
        'mode': 'slide',
        'crop_size': [64, 96],
        'stride': [32, 48],
        'batched_slide': True,
    }
    module.set_inference_mode(cfg, 'whole')
    assert cfg.model.test_cfg == {'mode': 'whole'}


def test_subset_means() -> None:
    matrix = np.eye(19, dtype=np.int64)
    for absent in (9, 14, 16):
        matrix[absent] = 0
        matrix[absent, 0] = 1
    means = module.subset_means(matrix)
    assert means['mIoU19'] < means['mIoU16']
    assert means['mIoU16'] == pytest.approx((15 + 0.25) / 16, abs=1e-4)
