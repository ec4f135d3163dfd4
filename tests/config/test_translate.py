"""The published dialect in the engine's terms."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

import mmseg
from mmseg.config import LrSchedule, TrainSettings, train_settings
from mmseg.errors import ConfigError

PUBLISHED = {
    'runner': {'type': 'IterBasedRunner', 'max_iters': 40000},
    'data': {'samples_per_gpu': 2, 'workers_per_gpu': 1},
    'optimizer': {'type': 'AdamW', 'lr': 6e-5},
    'optimizer_config': None,
    'lr_config': {
        'policy': 'poly', 'warmup': 'linear', 'warmup_iters': 1500, 'warmup_ratio': 1e-6, 'power': 1.0,
        'min_lr': 0.0, 'by_epoch': False,
    },
    'checkpoint_config': {'by_epoch': False, 'interval': 40000, 'max_keep_ckpts': 1},
    'evaluation': {'interval': 4000, 'metric': 'mIoU'},
    'log_config': {'interval': 50, 'hooks': [{'type': 'TextLoggerHook'}, {'type': 'TensorboardLoggerHook'}]},
    'uda': {'debug_img_interval': 1000},
    'seed': 2,
}  # fmt: skip


def test_published_values() -> None:
    settings = train_settings(PUBLISHED)
    assert (settings.max_iters, settings.seed, settings.samples_per_gpu, settings.workers) == (40000, 2, 2, 1)
    assert settings.schedule == LrSchedule('poly', 1.0, 0.0, 'linear', 1500, 1e-6)
    assert settings.optimizer == {'type': 'AdamW', 'lr': 6e-5}
    assert settings.grad_clip is None
    assert (settings.checkpoint_interval, settings.max_keep_ckpts, settings.save_last) == (40000, 1, True)
    assert (settings.eval_interval, settings.eval_metrics) == (4000, ('mIoU',))
    assert settings.log_hooks == ({'type': 'TensorboardLoggerHook'},)
    assert settings.debug_img_interval == 1000


def test_mic_has_the_interval_of_pictures_beside_that_of_log_lines() -> None:
    log = {'interval': 50, 'img_interval': 20}
    assert train_settings({**PUBLISHED, 'log_config': log}).debug_img_interval == 20
    assert train_settings({**PUBLISHED, 'log_config': log, 'uda': None}).debug_img_interval == 0


def test_defaults_are_plain_float32() -> None:
    settings = train_settings({'runner': {'max_iters': 3}, 'seed': None})
    assert (settings.precision, settings.compile, settings.channels_last) == ('fp32', False, False)
    assert settings.schedule == LrSchedule()
    assert (settings.seed, settings.checkpoint_interval, settings.eval_interval) == (0, 3, 0)


def test_network_method_and_data_come_along() -> None:
    data = {'train': {'type': 'A'}, 'val': {'type': 'B'}}
    cfg = {**PUBLISHED, 'model': {'type': 'M'}, 'data': data}
    settings = train_settings(cfg)
    assert (settings.model, settings.method) == ({'type': 'M'}, {'debug_img_interval': 1000})
    assert (settings.train_data, settings.val_data) == (data['train'], data['val'])
    settings.model['type'] = 'other'
    assert cfg['model'] == {'type': 'M'}


def test_no_field_is_dead() -> None:
    """Each is read somewhere in the package."""
    package = Path(mmseg.__file__).parent
    code = ' '.join(path.read_text(encoding='utf-8') for path in package.rglob('*.py'))
    unread = [
        field.name
        for field in fields(TrainSettings)
        if not re.search(rf'\b(?:settings|speed)\.{field.name}\b', code)
    ]
    assert unread == []


def test_gradient_clipping_and_several_metrics() -> None:
    changed = {
        'optimizer_config': {'grad_clip': {'max_norm': 1.0}},
        'evaluation': {'metric': ['mIoU', 'mDice']},
    }
    settings = train_settings({**PUBLISHED, **changed})
    assert settings.grad_clip == {'max_norm': 1.0}
    assert settings.eval_metrics == ('mIoU', 'mDice')


def test_training_needs_a_length() -> None:
    with pytest.raises(ConfigError, match='runner'):
        train_settings({'seed': 1})
