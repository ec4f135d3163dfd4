"""The real-picture configuration trains: a timm encoder with frozen levels inside self-training."""

from pathlib import Path

import pytest
import torch

from mmseg.config import load_config
from mmseg.engine.build import build_trainable
from mmseg.engine.optimizer import build_optimizer

pytestmark = pytest.mark.slow
CONFIG = Path(__file__).resolve().parents[2] / 'configs/demo/procstreet2camvid_daformer.py'


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
    method = build_trainable(cfg)
    before = {key: value.clone() for key, value in method.model.state_dict().items()}
    optimizer = build_optimizer(method, cfg.optimizer.to_dict())
    method.train()
    logged = method.train_step(batch(), optimizer)
    assert torch.isfinite(logged['decode.loss_seg'])
    moved = {key for key, value in method.model.state_dict().items() if not torch.equal(value, before[key])}
    frozen = tuple(f'backbone.encoder.{name}' for name in ('conv_stem', 'bn1', 'blocks.0', 'blocks.1'))
    assert moved
    assert not [key for key in moved if key.startswith(frozen)]
    trained = [key for key, parameter in method.model.named_parameters() if parameter.requires_grad]
    assert moved >= set(trained)
