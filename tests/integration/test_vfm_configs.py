"""The configurations of foundation encoders: complete, and a step of each on thin networks."""

from pathlib import Path

import pytest
import torch

from mmseg.config import load_config
from mmseg.config.translate import train_settings
from mmseg.engine.build import build_trainable
from mmseg.engine.optimizer import build_optimizer
from mmseg.engine.parameter_options import scaled_to_batch
from mmseg.uda.frozen_encoder import FrozenEncoderDistance
from tests.integration.test_timm_training import batch

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/vfm'
NAMES = sorted(path.name for path in CONFIGS.glob('gta*.py'))
THIN = {'depth': 2, 'embed_dim': 48, 'num_heads': 2}
SIZES = {
    's': ('small', 'base'),
    'b': ('base', 'large'),
    'l': ('large', 'giant'),
    'adapter': ('large', 'giant'),
}


@pytest.mark.parametrize('name', NAMES)
def test_ingredients_are_those_of_the_recipe(name):
    cfg = load_config(CONFIGS / name)
    settings = train_settings(cfg)
    own, frozen = SIZES[name.removesuffix('.py').rpartition('_')[2]]
    part = cfg.uda.parts[0]
    assert cfg.model.backbone.model_name == f'vit_{own}_patch14_dinov2'
    assert part.backbone.model_name == f'vit_{frozen}_patch14_dinov2'
    steps = [step['type'] for step in cfg.data.train.source.pipeline]
    assert steps.index('StrongPhotometric') < steps.index('Normalize')
    assert 'StrongPhotometric' not in [step['type'] for step in cfg.data.train.target.pipeline]
    assert next(step for step in cfg.data.train.source.pipeline if step['type'] == 'RandomCrop')['crop_size'] == (
        1024, 1024,
    )  # fmt: skip
    assert (settings.schedule.warmup, settings.schedule.warmup_iters) == ('linear', 1500)
    assert (cfg.uda.alpha, cfg.uda.pseudo_flip) == (0.999, True)
    assert cfg.uda.mask_generator == {'type': 'token', 'mask_ratio': 0.7}
    rates = [
        scaled_to_batch(settings.optimizer, settings.auto_scale_lr, images)['lr'] for images in (1, 2, 8)
    ]
    assert rates == pytest.approx([1e-4, 1e-4 * 2**0.5, 1e-4 * 8**0.5])


@pytest.mark.slow
@pytest.mark.parametrize('name', ['gtaHR2csHR_dinov2_s.py', 'gtaHR2csHR_dinov2_l_adapter.py'])
def test_a_step_on_thin_networks(name):
    cfg = load_config(CONFIGS / name)
    frozen = cfg.uda.parts[0].backbone
    cfg.model.pretrained = frozen.pretrained = None
    cfg.model.backbone.update(img_size=64, model_args=THIN)
    if 'adapter' in cfg.model.backbone:
        cfg.model.backbone.adapter = {'interactions': 2}
    frozen.update(img_size=64, model_args={'depth': 3, 'embed_dim': 96, 'num_heads': 3})
    method = build_trainable(train_settings(cfg))
    optimizer = build_optimizer(method.stored(), cfg.optimizer.to_dict())
    assert method.part(FrozenEncoderDistance).projection.weight.shape == (96, 48, 1, 1)
    method.train()
    logged = method.train_step(batch(), optimizer)
    wanted = {
        'decode.loss_seg', 'src.loss_frozen_dist', 'mix.decode.loss_seg', 'masked.decode.loss_seg',
        'trg.loss_frozen_dist',
    }  # fmt: skip
    assert wanted <= set(logged)
    assert all(torch.isfinite(value) for value in logged.values())
    groups = {name: group for group in optimizer.optimizer.param_groups for name in group['names']}
    stem = groups['model.backbone.encoder.model.pos_embed']
    assert stem['initial_lr'] == pytest.approx(1e-4 * 0.1 * 0.9**2)
    assert stem['weight_decay'] == 0
    assert groups['model.decode_head.conv_seg.weight']['initial_lr'] == 1e-4
