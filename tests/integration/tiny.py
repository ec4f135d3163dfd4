"""Configurations small enough to train in seconds."""

import copy
import json
from pathlib import Path
from typing import Any

from tests.uda.networks import MODEL

NORM = {'type': 'BN', 'requires_grad': True}
THINGS = [6, 7, 11, 12, 13, 14, 15, 16, 17, 18]
PIXELS = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375], 'to_rgb': True}
CROP = (64, 64)


def train_steps(cat_max_ratio: float = 1.0) -> list[dict[str, Any]]:
    """The published training pipeline at 128 x 64."""
    return [
        {'type': 'LoadImageFromFile'},
        {'type': 'LoadAnnotations'},
        {'type': 'Resize', 'img_scale': (128, 64)},
        {'type': 'RandomCrop', 'crop_size': CROP, 'cat_max_ratio': cat_max_ratio},
        {'type': 'RandomFlip', 'prob': 0.5},
        {'type': 'Normalize', **PIXELS},
        {'type': 'Pad', 'size': CROP, 'pad_val': 0, 'seg_pad_val': 255},
        {'type': 'DefaultFormatBundle'},
        {'type': 'Collect', 'keys': ['img', 'gt_semantic_seg']},
    ]


TEST_STEPS = [
    {'type': 'LoadImageFromFile'},
    {
        'type': 'MultiScaleFlipAug',
        'img_scale': (128, 64),
        'flip': False,
        'transforms': [
            {'type': 'Resize', 'keep_ratio': True},
            {'type': 'RandomFlip'},
            {'type': 'Normalize', **PIXELS},
            {'type': 'ImageToTensor', 'keys': ['img']},
            {'type': 'Collect', 'keys': ['img']},
        ],
    },
]


def dataset(data: Path, name: str, steps: list[dict[str, Any]], split: str = 'train') -> dict[str, Any]:
    """One of the three tiny data sets."""
    kinds = {
        'gta': ('GTADataset', 'images', 'labels'),
        'synthia': ('SynthiaDataset', 'RGB', 'GT/LABELS'),
        'cityscapes': ('CityscapesDataset', f'leftImg8bit/{split}', f'gtFine/{split}'),
    }
    kind, images, labels = kinds[name]
    return {
        'type': kind, 'data_root': str(data / name) + '/', 'img_dir': images, 'ann_dir': labels, 'pipeline': steps
    }  # fmt: skip


def model() -> dict[str, Any]:
    """DAFormer on MiT-B0 with narrow heads."""
    mlp = {'type': 'mlp', 'act_cfg': None, 'norm_cfg': None}
    fusion = {
        'type': 'aspp', 'sep': True, 'dilations': [1, 6, 12, 18], 'pool': False, 'act_cfg': {'type': 'ReLU'},
        'norm_cfg': NORM,
    }  # fmt: skip
    head = {
        'type': 'DAFormerHead',
        'in_channels': [32, 64, 160, 256],
        'in_index': [0, 1, 2, 3],
        'channels': 32,
        'dropout_ratio': 0.1,
        'num_classes': 19,
        'norm_cfg': NORM,
        'align_corners': False,
        'decoder_params': {'embed_dims': 32, 'embed_cfg': mlp, 'embed_neck_cfg': mlp, 'fusion_cfg': fusion},
        'loss_decode': {'type': 'CrossEntropyLoss', 'use_sigmoid': False, 'loss_weight': 1.0},
    }
    return {
        'type': 'EncoderDecoder',
        'backbone': {'type': 'mit_b0', 'style': 'pytorch'},
        'decode_head': head,
        'test_cfg': {'mode': 'whole'},
    }


def two_convolutions() -> dict[str, Any]:
    """A network for tests to which it does not matter; programs that train it import ``tests.uda.networks``."""
    found = copy.deepcopy(MODEL)
    found['decode_head']['num_classes'] = 19
    return found


def dacs(distance: float = 0.005) -> dict[str, Any]:
    """DAFormer's method."""
    return {
        'type': 'DACS',
        'alpha': 0.999,
        'pseudo_threshold': 0.1,
        'imnet_feature_dist_lambda': distance,
        'imnet_feature_dist_classes': THINGS if distance else None,
        'imnet_feature_dist_scale_min_ratio': 0.75 if distance else None,
        'mix': 'class',
        'blur': True,
        'color_jitter_strength': 0.2,
        'color_jitter_probability': 0.2,
        'debug_img_interval': 1000,
    }


def advseg_masked() -> dict[str, Any]:
    """Adversarial adaptation, and masked images labelled by a teacher that only masking uses."""
    return {
        'type': 'AdvSeg',
        'lambda_adv_target': {'main': 0.01, 'aux': 0.0002},
        'mask_mode': 'separatetrgaug',
        'mask_lambda': 1,
        'mask_generator': {'type': 'block', 'mask_ratio': 0.7, 'mask_block_size': 16},
    }


METHODS = ('source_only', 'target_only', 'dacs', 'daformer')


ADAPTED = {'dacs': lambda: dacs(0.0), 'daformer': dacs, 'advseg_masked': advseg_masked}
"""``uda`` by method."""


def tiny_config(data: Path, method: str = 'daformer', source: str = 'gta') -> dict[str, Any]:
    """A complete configuration of six iterations with batch 2 on ``tiny_data``."""
    steps = train_steps(0.75)
    train: dict[str, Any] = dataset(data, 'cityscapes' if method == 'target_only' else source, steps)
    if method in ADAPTED:
        train = {'type': 'UDADataset', 'source': train, 'target': dataset(data, 'cityscapes', train_steps())}
    if method == 'daformer':
        train['rare_class_sampling'] = {'min_pixels': 5, 'class_temp': 0.01, 'min_crop_ratio': 0.5}
    scores = dataset(data, 'cityscapes', copy.deepcopy(TEST_STEPS), 'val')
    config = {
        'model': model(),
        'data': {'samples_per_gpu': 2, 'workers_per_gpu': 0, 'train': train, 'val': scores, 'test': scores},
        'optimizer': {
            'type': 'AdamW', 'lr': 6e-05, 'betas': [0.9, 0.999], 'weight_decay': 0.01,
            'paramwise_cfg': {'custom_keys': {
                'head': {'lr_mult': 10.0}, 'pos_block': {'decay_mult': 0.0}, 'norm': {'decay_mult': 0.0},
            }},
        },
        'optimizer_config': None,
        'lr_config': {
            'policy': 'poly', 'warmup': 'linear', 'warmup_iters': 3, 'warmup_ratio': 1e-6, 'power': 1.0, 'min_lr': 0.0,
            'by_epoch': False,
        },
        'runner': {'type': 'IterBasedRunner', 'max_iters': 6},
        'checkpoint_config': {'by_epoch': False, 'interval': 3, 'max_keep_ckpts': -1},
        'evaluation': {'interval': 6, 'metric': 'mIoU'},
        'log_config': {'interval': 2, 'hooks': [{'type': 'TextLoggerHook', 'by_epoch': False}]},
        'seed': 0,
        'name': f'tiny_{method}',
    }  # fmt: skip
    if method in ADAPTED:
        config['uda'] = ADAPTED[method]()
    return config


def write_config(folder: Path, config: dict[str, Any]) -> Path:
    """The configuration as a JSON file in ``folder``."""
    path = folder / f'{config["name"]}.json'
    path.write_text(json.dumps(config))
    return path
