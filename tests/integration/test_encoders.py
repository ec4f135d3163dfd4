"""Encoders by configuration alone: families of timm train, validate, test and resume under the three decoders."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from mmseg.config import load_config
from mmseg.engine.checkpoint import read_checkpoint
from mmseg.engine.train import train
from tests.integration.hrda import tiny_hrda
from tests.integration.programs import run_tool
from tests.integration.test_training import assert_equal, log_lines
from tests.integration.tiny import NORM, tiny_config, write_config
from tests.models.backbones.test_timm_survey import FAMILIES

pytestmark = pytest.mark.slow
SEGFORMER = {
    'type': 'SegFormerHead', 'channels': 32, 'num_classes': 19, 'norm_cfg': NORM, 'decoder_params': {'embed_dim': 32},
}  # fmt: skip
SIZES = {(64, 64): (128, 64), (96, 128): (256, 128)}
"""Crop (height, width) -> scale of the pictures (width, height)."""


def configuration(
    data: Path, backbone: dict[str, Any], decoder: str, crop: tuple[int, int] = (64, 64)
) -> dict[str, Any]:
    """Two iterations of DAFormer's method with an evaluation behind them; the heads are told no channels."""
    config = tiny_hrda(data, crop_coord_divisible=None) if decoder == 'HRDA' else tiny_config(data)
    model = config['model']
    model['backbone'] = {'type': 'TimmBackbone', 'pretrained': None, **backbone}
    del model['decode_head']['in_channels']
    if decoder == 'SegFormer':
        model['decode_head'] = dict(SEGFORMER)
    for step in _steps(config['data']):
        step |= {key: list(crop) for key in ('crop_size', 'size') if key in step}
        step |= {'img_scale': list(SIZES[crop])} if 'img_scale' in step else {}
    config['runner']['max_iters'] = config['evaluation']['interval'] = 2
    config['log_config']['interval'] = 1
    config['checkpoint_config']['interval'] = 1
    return config


def _steps(value: Any) -> list[dict[str, Any]]:
    """All dicts inside a value."""
    if isinstance(value, dict):
        return [value, *(found for item in value.values() for found in _steps(item))]
    return [found for item in value for found in _steps(item)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    ('family', 'decoder', 'crop'),
    [
        *(('vit', decoder, crop) for decoder in ('DAFormer', 'SegFormer', 'HRDA') for crop in SIZES),
        ('convolutional', 'SegFormer', (96, 128)),
        ('swin', 'DAFormer', (64, 64)),
        ('pvt (the mix transformer of timm)', 'HRDA', (96, 128)),
        ('deit', 'SegFormer', (64, 64)),
        ('beit', 'HRDA', (96, 128)),
        ('dinov2 with registers', 'DAFormer', (96, 128)),
        ('dinov3', 'HRDA', (64, 64)),
        ('eva02', 'SegFormer', (96, 128)),
        ('one size only', 'DAFormer', (96, 128)),
    ],
)
def test_a_family_trains_validates_and_tests(
    family: str,
    decoder: str,
    crop: tuple[int, int],
    tiny_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, args = FAMILIES[family]
    config = configuration(tiny_data, {'model_name': name, 'model_args': args}, decoder, crop)
    path = write_config(tmp_path, json.loads(json.dumps(config)))
    assert run_tool(monkeypatch, 'train', path, '--work-dir', tmp_path / 'run') == 0
    lines = log_lines(tmp_path / 'run')
    losses = [value for line in lines for key, value in line.items() if 'loss' in key]
    assert len(losses) >= 4
    assert all(math.isfinite(value) for value in losses)
    (scores,) = [line for line in lines if line.get('mode') == 'val']
    assert 0 <= scores['mIoU'] <= 1
    assert run_tool(monkeypatch, 'test', path, tmp_path / 'run' / 'latest.pth', '--eval', 'mIoU') == 0


@pytest.mark.parametrize(
    'options',
    [
        {},
        {'low_rank': {'rank': 2}, 'frozen_stages': 1},
        {'adapter': {'interactions': 2}},
    ],
    ids=['plain', 'low rank', 'adapter'],
)
def test_resume_is_exact_with_the_rates_of_its_layers(
    options: dict[str, Any], tiny_data: Path, tmp_path: Path
) -> None:
    config = configuration(tiny_data, {'model_name': 'test_vit2', **options}, 'DAFormer')
    config['optimizer']['paramwise_cfg'] = {
        'layer_decay': 0.9, 'flat_decay_mult': 0.0, 'custom_keys': {'backbone.encoder': {'lr_mult': 0.1}},
    }  # fmt: skip
    config['auto_scale_lr'] = {'base_batch_size': 1, 'rule': 'sqrt'}
    config['lr_config'] = {'policy': 'fixed'}
    config['evaluation']['interval'] = 0
    whole, again = tmp_path / 'whole', tmp_path / 'again'
    train(load_config(config), work_dir=whole)
    again.mkdir()
    shutil.copy(whole / 'iter_1.pth', again)
    train(load_config(config), work_dir=again, resume=True)
    reference, resumed = (read_checkpoint(folder / 'iter_2.pth') for folder in (whole, again))
    for part in ('state_dict', 'optimizer', 'training_state'):
        assert_equal(reference[part], resumed[part], part)
    names = [name for name in reference['state_dict'] if name.startswith('model.')]
    rates = {group['lr'] for group in reference['optimizer']['param_groups']}
    base = config['optimizer']['lr'] * 2**0.5
    assert names
    assert {round(rate / base, 9) for rate in rates} >= {1.0, 0.1, round(0.1 * 0.9**8, 9)}
