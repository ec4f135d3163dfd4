"""The real-picture configurations train: a timm encoder with frozen levels inside self-training."""

from pathlib import Path

import pytest
import torch

from mmseg.config import load_config
from mmseg.config.translate import train_settings
from mmseg.engine.build import build_trainable
from mmseg.engine.optimizer import build_optimizer

pytestmark = pytest.mark.slow
CONFIGS = Path(__file__).resolve().parents[2] / 'configs/demo'
CONFIG = CONFIGS / 'procstreet2camvid_daformer.py'


def batch():
    """Two source and two target pictures of noise, with the metas that self-training reads."""
    generator = torch.Generator().manual_seed(0)
    norm = {'mean': [127.0] * 3, 'std': [128.0] * 3, 'to_rgb': True}
    image = torch.rand(2, 3, 64, 96, generator=generator)
    label = torch.randint(0, 19, (2, 1, 64, 96), generator=generator)
    metas = [{'img_norm_cfg': norm}] * 2
    return {
        'img': image,
        'gt_semantic_seg': label,
        'img_metas': metas,
        'target_img': image,
        'target_img_metas': metas,
    }


def test_a_step_moves_everything_but_the_frozen_levels():
    cfg = load_config(CONFIG, {'model.pretrained': None})
    method = build_trainable(train_settings(cfg))
    before = {key: value.clone() for key, value in method.student.state_dict().items()}
    optimizer = build_optimizer(method, cfg.optimizer.to_dict())
    method.train()
    logged = method.train_step(batch(), optimizer)
    assert torch.isfinite(logged['decode.loss_seg'])
    moved = {key for key, value in method.student.state_dict().items() if not torch.equal(value, before[key])}
    frozen = tuple(f'backbone.encoder.{name}' for name in ('conv_stem', 'bn1', 'blocks.0', 'blocks.1'))
    assert moved
    assert not [key for key in moved if key.startswith(frozen)]
    trained = [key for key, parameter in method.student.named_parameters() if parameter.requires_grad]
    assert moved >= set(trained)


@pytest.mark.parametrize('name', ['dida', 'hrda_dida'])
def test_a_bank_of_a_timm_encoder(name):
    options = {'model.pretrained': None, 'uda.instance_bank.min_fill': 0.1, 'uda.pseudo_threshold': 0.0}
    if name == 'hrda_dida':
        options['model.hr_crop_size'] = [32, 48]
    cfg = load_config(CONFIGS / f'procstreet2camvid_{name}.py', options)
    method = build_trainable(train_settings(cfg))
    optimizer = build_optimizer(method, cfg.optimizer.to_dict())
    method.train()
    logged = method.train_step(batch(), optimizer)
    # The 11 classes of the bank have a row from each picture.
    assert logged['instance.bank_fill'] == pytest.approx(22 / 110)
    assert logged['instance.loss_in'].isfinite()
    assert logged['instance.loss_in'] != 0
