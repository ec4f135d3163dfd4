"""Started by test_one_meaning.py, by torchrun for several processes: three steps of each method, checkpoint and log.

METHOD=FILE goes on from a checkpoint.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmseg.config import load_config
from mmseg.engine.distributed import close_distributed, init_distributed
from mmseg.engine.train import train
from tests.integration.hrda import tiny_hrda
from tests.integration.tiny import tiny_config

STEPS = 3
MASKS = {
    'mask_mode': 'separatetrgaug',
    'mask_lambda': 1,
    'mask_generator': {'type': 'block', 'mask_ratio': 0.7, 'mask_block_size': 16},
}


def with_method(config: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The configuration with options of its method changed."""
    config['uda'] |= options
    return config


def bank(mode: str, **options: Any) -> dict[str, Any]:
    """An instance bank that has a loss from the first step on."""
    return {'instance_bank': {'mode': mode, 'bank_size': 38, 'min_fill': 0.0, **options}}


def min_entropy(config: dict[str, Any]) -> dict[str, Any]:
    """MinEnt in place of AdvSeg."""
    config['uda'] = {'type': 'MinEnt', 'lambda_ent': {'main': 0.01}}
    return config


CONFIGS: dict[str, Callable[[Path], dict[str, Any]]] = {
    'supervised': lambda data: tiny_config(data, 'source_only'),
    'daformer': tiny_config,
    'mic': lambda data: with_method(tiny_config(data), **MASKS),
    'sharded': lambda data: {
        **tiny_config(data),
        'optimizer_sharding': True,
        'gradient_accumulation': 2,
        'activation_checkpointing': True,
    },
    'combined': lambda data: with_method(
        tiny_config(data),
        pseudo_flip=True,
        pseudo_weight='class',
        class_prior={'shares': {0: 3, 1: 1, 2: 1}},
    ),
    'hrda, clean bank': lambda data: with_method(tiny_hrda(data), **bank('clean')),
    # The published weights divide by sums that are nearly 0, which turns rounding into differences of any size.
    'published bank': lambda data: with_method(
        tiny_config(data), **bank('published', update_interval=1, gather='teacher_prob')
    ),
    'advseg, masks': lambda data: tiny_config(data, 'advseg_masked'),
    'minent': lambda data: min_entropy(tiny_config(data, 'advseg_masked')),
}
EVEN = {
    'masks of both domains': lambda data: with_method(
        tiny_config(data), **{**MASKS, 'mask_mode': 'separateaug'}
    )
}
"""For batches of an even number of images."""


def settings(config: dict[str, Any], images: int) -> dict[str, Any]:
    """So many images for this process; plain steps."""
    config['data']['samples_per_gpu'] = images
    if 'gradient_accumulation' in config:
        config['gradient_accumulation'] = images
    config['runner']['max_iters'] = STEPS
    config['checkpoint_config']['interval'] = 1
    config['evaluation'] = {'interval': STEPS, 'metric': 'mIoU'}
    config['log_config']['interval'] = 1
    # With AdamW the ratio of two moments would turn the rounding of tiny gradients into steps of full length.
    config['optimizer'] = {'type': 'SGD', 'lr': 0.01, 'momentum': 0.9}
    return config


if __name__ == '__main__':
    folder, data, images, *names = sys.argv[1:]
    init_distributed('pytorch' if 'RANK' in os.environ else 'none')
    for entry in names:
        name, _, start = entry.partition('=')
        config = settings((CONFIGS | EVEN)[name](Path(data)), int(images))
        train(load_config(config), work_dir=Path(folder, name), resume_from=start or None)
    close_distributed()
