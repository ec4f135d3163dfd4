"""Sizes of the benchmarks and the configurations they build."""

from dataclasses import dataclass
from typing import Any

import torch

from mmseg.config import load_config
from mmseg.config.translate import train_settings
from mmseg.engine.build import build_trainable
from mmseg.uda.instance_bank.part import InstanceConsistency
from mmseg.uda.self_training import DACS

CHANNELS = {'mit_b0': (32, 64, 160, 256)}
"""Channels of the encoders whose maps differ from MiT-B5's."""
NORMALISATION = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375]}
"""Of the drawn images."""
METHODS = ('daformer', 'hrda', 'mic', 'dida')
"""DAFormer; HRDA; MIC on HRDA; DIDA's published bank on DAFormer."""
ON_HRDA = ('hrda', 'mic')
"""Those with HRDA's network."""
ROWS = 300
"""Of the bank."""
OPTIMIZER: dict[str, Any] = {
    'type': 'AdamW',
    'lr': 6e-5,
    'betas': (0.9, 0.999),
    'weight_decay': 0.01,
    'paramwise_cfg': {
        'custom_keys': {
            'head': {'lr_mult': 10.0},
            'pos_block': {'decay_mult': 0.0},
            'norm': {'decay_mult': 0.0},
        }
    },
}


@dataclass(frozen=True)
class Settings:
    """What every benchmark is told.

    Attributes:
        device: where tensors lie.
        encoder: 'mit_b0' ... 'mit_b5'.
        size: side of the square crops in pixels.
        batch: images per domain.
        rounds: repetitions, each times both sides once.
    """

    device: torch.device
    encoder: str
    size: int
    batch: int
    rounds: int


def training_config(encoder: str) -> dict[str, Any]:
    """DAFormer's network and method, from random weights; ``max_iters`` 40000."""
    names = ['_base_/models/daformer_sepaspp_mitb5.py', '_base_/uda/dacs_a999_fdthings.py']
    model: dict[str, Any] = {'pretrained': None, 'backbone': {'type': encoder}}
    if encoder in CHANNELS:
        model['decode_head'] = {'in_channels': list(CHANNELS[encoder])}
    config = load_config({'_base_': names, 'model': model}, check=False).to_dict()
    return {**config, 'runner': {'max_iters': 40000}, 'seed': 0}


def model_config(encoder: str) -> dict[str, Any]:
    """DAFormer's network alone."""
    model: dict[str, Any] = training_config(encoder)['model']
    return model


def hrda_config(encoder: str, crop: int) -> dict[str, Any]:
    """The same with HRDA's network for training crops of ``crop`` pixels, as configs/hrda/gtaHR2csHR_hrda.py has it."""
    config = training_config(encoder)
    model = config['model']
    head = {'type': 'HRDAHead', 'single_scale_head': 'DAFormerHead', 'hr_loss_weight': 0.1}
    model |= {
        'type': 'HRDAEncoderDecoder',
        'decode_head': {**model['decode_head'], **head},
        'scales': [1, 0.5],
        'hr_crop_size': [crop // 2, crop // 2],
        'feature_scale': 0.5,
        'crop_coord_divisible': 8,
        'test_cfg': {
            'mode': 'slide',
            'batched_slide': True,
            'crop_size': [crop, crop],
            'stride': [crop // 2, crop // 2],
        },
    }
    return config


def method_config(method: str, encoder: str, crop: int) -> dict[str, Any]:
    """One of :data:`METHODS` for training crops of ``crop`` pixels, with published options.

    The bank is random; see :func:`build_method`.
    """
    config = hrda_config(encoder, crop) if method in ON_HRDA else training_config(encoder)
    if method == 'mic':
        block = {'type': 'block', 'mask_ratio': 0.7, 'mask_block_size': max(crop // 16, 1)}
        masks = {'mask_mode': 'separatetrgaug', 'mask_lambda': 1, 'mask_generator': block}
        config['uda'] = {**config['uda'], **masks}
    if method == 'dida':
        config['uda'] = {
            **config['uda'],
            'instance_bank': {'mode': 'published', 'bank_size': ROWS, 'chunk': 2**24},
        }
    return config


def build_method(config: dict[str, Any], device: torch.device) -> DACS:
    """The method of a configuration, its bank filled; equal configurations give equal weights.

    The classifier's biases are raised where there is a bank: its published loss divides by a sum of products with raw
    logits, which has few digits where these have both signs (docs/methods/dida.md#one-training-step, step 16).
    """
    torch.manual_seed(0)
    method = build_trainable(train_settings(config), device)
    assert isinstance(method, DACS)
    part = method.part(InstanceConsistency)
    if part is not None:
        part.bank.features.uniform_(generator=torch.Generator(device).manual_seed(0))
        part.bank.filled.fill_(True)
        part.bank.known_full = True
        for network in (method.student, method.teacher):
            assert network is not None
            torch.nn.init.constant_(network.decode_head.conv_seg.bias, 10.0)
    return method
