"""The keys of the published dialect that no component's signature tells.

Sections of plain values list their keys here; dicts with a ``type`` are checked against the signature of the
registered component instead (``mmseg.config.check``).
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from mmseg.evaluation.metrics import METRICS
from mmseg.models.levels import DERIVED
from mmseg.option_types import expectation, fits
from mmseg.options import Amount

TOP_LEVEL = {
    'model', 'uda', 'data', 'optimizer', 'optimizer_config', 'lr_config', 'runner', 'checkpoint_config',
    'evaluation', 'log_config', 'log_level', 'seed', 'deterministic', 'load_from', 'new_classifier',
    'resume_from', 'work_dir', 'name', 'exp', 'crop_size', 'precision', 'compile', 'channels_last',
    'custom_imports', 'nan_policy', 'nan_limit', 'auto_scale_lr', 'batch_norm', 'compare_ranks',
    'activation_checkpointing', 'gradient_accumulation', 'optimizer_sharding',
}  # fmt: skip
"""Top-level keys with an effect."""

UNUSED_TOP_LEVEL = {
    'n_gpus', 'gpu_model', 'gpu_ids', 'dist_params', 'workflow', 'cudnn_benchmark',
    'find_unused_parameters', 'use_ddp_wrapper', 'name_dataset', 'name_architecture', 'name_encoder',
    'name_decoder', 'name_uda', 'name_opt', 'git_rev', 'img_norm_cfg', 'norm_cfg', 'dataset_type',
    'data_root', 'opencv_num_threads', 'mp_start_method', 'device', 'launcher',
    'local_rank',
}  # fmt: skip
"""Top-level keys that published configurations carry and nothing reads; see also UNUSED_SUFFIXES."""

PARAMWISE = ('custom_keys', 'layer_decay', 'flat_decay_mult')
"""Options of ``optimizer.paramwise_cfg``."""

SCALING_RULES = ('linear', 'sqrt')
"""Values of ``auto_scale_lr.rule``."""

SEEDS = 2**63
"""Seeds are below this, the limit of PyTorch."""

UNUSED_SUFFIXES = ('_pipeline', '_norm_cfg')

UNUSED = {
    'uda': {'imnet_feature_dist_scale_method'},
    'model': {'init_cfg'},
    'checkpoint_config': {'by_epoch', 'save_optimizer', 'create_symlink', 'meta'},
    'evaluation': {'by_epoch', 'start', 'gpu_collect', 'efficient_test'},
    'lr_config': {'by_epoch', 'warmup_by_epoch'},
    'model.train_cfg': {'work_dir'},
    'optimizer_config': {'type', 'cumulative_iters'},
}
"""Keys, by section, that published configurations carry and nothing reads; components name their own (UNUSED)."""

INJECTED = {
    'uda': {'model', 'max_iters'},  # docs/methods/self-training.md#wrapper-of-a-method
    'decode_head': {*DERIVED},
    'auxiliary_head': {*DERIVED},
}
"""Parameters that the builder adds, by the key a component stands under."""

SECTIONS = {
    'runner': {'type', 'max_iters'},
    'optimizer_config': {'grad_clip'},
    'optimizer_config.grad_clip': {'max_norm', 'norm_type'},
    'checkpoint_config': {'interval', 'max_keep_ckpts', 'save_last', 'async_save'},
    'evaluation': {'interval', 'metric', 'teacher', 'save_best', 'rule', 'report'},
    'log_config': {'interval', 'hooks', 'img_interval'},
    'lr_config': {'policy', 'power', 'min_lr', 'warmup', 'warmup_iters', 'warmup_ratio'},
    'data': {
        'samples_per_gpu',
        'workers_per_gpu',
        'train',
        'val',
        'test',
        'on_error',
        'max_error_share',
        'timeout',
    },
    'data.train.rare_class_sampling': {'min_pixels', 'class_temp', 'min_crop_ratio'},
    'optimizer.paramwise_cfg': set(PARAMWISE),
    'auto_scale_lr': {'base_batch_size', 'rule'},
    'model.test_cfg': {'mode', 'stride', 'crop_size', 'batched_slide'},
    'model.train_cfg': set(),
}
"""Keys of the sections that hold plain values."""

REQUIRED = (
    'runner.max_iters',
    'optimizer.lr',
    'auto_scale_lr.base_batch_size',
    'optimizer_config.grad_clip.max_norm',
)
"""Keys that a section must have unless it is empty."""


def _whole(minimum: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= minimum


def _one_of(*choices: Any) -> Callable[[Any], bool]:
    return lambda value: value in choices


def _typed(annotation: Any) -> tuple[Callable[[Any], bool], str]:
    return lambda value: fits(value, annotation), expectation(annotation)


def _number(lowest: float, highest: float = math.inf) -> tuple[Callable[[Any], bool], str]:
    limits = f'of at least {lowest:g}' if highest == math.inf else f'from {lowest:g} to {highest:g}'
    return (
        lambda value: fits(value, float) and lowest <= value <= highest and value < math.inf,
        f'a number {limits}',
    )


def _pair(value: Any) -> bool:
    return fits(value, tuple[int, int]) and min(value) >= 1


def _log_level(value: Any) -> bool:
    return _whole(0)(value) or (isinstance(value, str) and isinstance(logging.getLevelName(value), int))


def _metrics(value: Any) -> bool:
    names = value if isinstance(value, list | tuple) else [value]
    return bool(names) and all(isinstance(name, str) and name in METRICS for name in names)


VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    'runner.type': (_one_of('IterBasedRunner'), "'IterBasedRunner'"),
    'runner.max_iters': (_whole(1), 'a whole number of at least 1'),
    'data.samples_per_gpu': (_whole(1), 'a whole number of at least 1'),
    'data.workers_per_gpu': (_whole(0), 'a whole number of at least 0'),
    'data.on_error': (_one_of('stop', 'skip'), "'stop' or 'skip'"),
    'data.max_error_share': _number(0, 1),
    'data.timeout': (_number(0)[0], 'a number of at least 0 (0: wait for ever)'),
    'checkpoint_config.interval': (_whole(0), 'a whole number of at least 0 (0: only at the end)'),
    'checkpoint_config.max_keep_ckpts': (_whole(-1), 'a whole number; -1 keeps all'),
    'evaluation.interval': (_whole(0), 'a whole number of at least 0 (0: never)'),
    'evaluation.teacher': (_one_of(True, False), 'True or False'),
    'evaluation.save_best': _typed(str | bool | None),
    'evaluation.report': (_one_of(True, False), 'True or False'),
    'evaluation.rule': (_one_of(None, 'greater', 'less'), "'greater' or 'less'"),
    'log_config.interval': (_whole(1), 'a whole number of at least 1'),
    'lr_config.policy': (_one_of('poly', 'Poly', 'fixed', 'Fixed'), "'poly' or 'fixed'"),
    'lr_config.warmup': (_one_of(None, 'linear', 'constant', 'exp'), "None, 'linear', 'constant' or 'exp'"),
    'lr_config.power': _number(0),
    'lr_config.min_lr': _number(0),
    'lr_config.warmup_iters': (_whole(0), 'a whole number of at least 0'),
    'lr_config.warmup_ratio': _number(0, 1),
    'optimizer.lr': _number(0),
    'seed': (
        lambda value: value is None or (_whole(0)(value) and value < SEEDS),
        f'a whole number from 0 to {SEEDS - 1}, or None',
    ),
    'new_classifier': (_one_of(True, False), 'True or False'),
    'deterministic': (_one_of(True, False), 'True or False'),
    'precision': (_one_of('fp32', 'bf16', 'fp16'), "'fp32', 'bf16' or 'fp16'"),
    'compile': (_one_of(True, False), 'True or False'),
    'channels_last': (_one_of(True, False), 'True or False'),
    'batch_norm': (_one_of('synchronised', 'local'), "'synchronised' or 'local'"),
    'activation_checkpointing': (_one_of(True, False), 'True or False'),
    'gradient_accumulation': (_whole(1), 'a whole number of at least 1'),
    'optimizer_sharding': (_one_of(True, False), 'True or False'),
    'compare_ranks': (_whole(0), 'a whole number of at least 0 (0: never)'),
    'nan_policy': (_one_of('stop', 'skip'), "'stop' or 'skip'"),
    'nan_limit': (_whole(0), 'a whole number of at least 0'),
    'load_from': _typed(str | None),
    'resume_from': _typed(str | None),
    'work_dir': _typed(str | None),
    'name': _typed(str),
    'exp': _typed(float | str),
    'log_level': (_log_level, 'a level of the logging library, such as INFO or ERROR'),
    'log_config.hooks': _typed(Sequence[Mapping[str, Any]]),
    'log_config.img_interval': (_whole(0), 'a whole number of at least 0 (0: none)'),
    'checkpoint_config.save_last': _typed(bool),
    'checkpoint_config.async_save': _typed(bool),
    'evaluation.metric': (
        _metrics,
        f'one or several of {", ".join(METRICS)} (the official evaluation of Cityscapes: tools/test.py --eval '
        'cityscapes)',
    ),
    'optimizer_config.grad_clip.max_norm': _typed(Amount),
    'optimizer_config.grad_clip.norm_type': (
        lambda value: fits(value, float) and value > 0,
        'a number above 0 (inf: the largest)',
    ),
    'auto_scale_lr.base_batch_size': (_whole(1), 'a whole number of at least 1'),
    'auto_scale_lr.rule': (_one_of(*SCALING_RULES), "'linear' or 'sqrt'"),
    'optimizer.paramwise_cfg.layer_decay': (
        lambda value: value is None or (fits(value, float) and 0 < value <= 1),
        'a number above 0, at most 1, or None',
    ),
    'optimizer.paramwise_cfg.flat_decay_mult': _typed(Amount),
    'optimizer.paramwise_cfg.custom_keys': _typed(Mapping[str, Mapping[str, float]] | None),
    'data.train.rare_class_sampling.min_pixels': _typed(int),
    'data.train.rare_class_sampling.class_temp': _typed(float | Literal['inf']),
    'data.train.rare_class_sampling.min_crop_ratio': _typed(float),
    'model.decode_head.num_classes': (
        _whole(2),
        'a whole number of at least 2: one object on a background are two classes',
    ),
    'crop_size': (
        lambda value: value is None or _pair(value),
        'two positive whole numbers (height, width), or None',
    ),
    'model.test_cfg.crop_size': (_pair, 'two positive whole numbers (height, width)'),
    'model.test_cfg.stride': (_pair, 'two positive whole numbers (height, width)'),
    'model.test_cfg.batched_slide': _typed(bool),
    'model.test_cfg.mode': (_one_of('whole', 'slide'), "'whole' or 'slide'"),
}
"""Checks of single values: predicate and what was expected."""
