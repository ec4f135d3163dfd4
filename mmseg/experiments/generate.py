"""From rows to configurations: the published generator (spec/experiments.md 5)."""

from pathlib import PurePosixPath
from typing import Any

from mmseg.experiments.architecture import parse_architecture
from mmseg.experiments.rows import AnyRow, Experiment, FileRow, Row

Values = dict[str, Any]

SHORT = (
    ('.', ''),
    ('True', 'T'),
    ('False', 'F'),
    ('cityscapes', 'cs'),
    ('synthia', 'syn'),
    ('darkzurich', 'dzur'),
)
"""Replacements in the names of runs, in this order (spec/experiments.md 5.5)."""

MIN_PIXELS, MIN_CROP_RATIO = 3000, 0.5
"""Rare class sampling: an image has a class from so many pixels on; share of them the crop should keep."""

IGNORED_ROWS = {'pseudo_weight_ignore_top': 15, 'pseudo_weight_ignore_bottom': 120}
LOG_ERRORS_ONLY = 40


def compose(row: AnyRow, seed: int, exp: int | str) -> Values:
    """The configuration of one run, before its ``_base_`` files are merged.

    Args:
        row: setting.
        seed: seed of the run.
        exp: number or name of the experiment.

    Returns:
        Plain dict with the published keys; ``_base_`` is relative to the folder configs/.

    Raises:
        UsageError: the architecture's name is not valid.
    """
    if isinstance(row, FileRow):
        return _of_file(row, seed, exp)
    return _of_row(row, seed, exp)


def compose_all(experiment: Experiment, rows: tuple[AnyRow, ...]) -> list[Values]:
    """The configurations of all runs in the published order: rows outside, seeds inside."""
    return [compose(row, seed, experiment.exp) for row in rows for seed in row.seeds]


def base_files(row: AnyRow) -> list[str]:
    """The ``_base_`` list, relative to the folder configs/ (spec/experiments.md 5.1)."""
    if isinstance(row, FileRow):
        return [row.config]
    data = {
        'target-only': [f'datasets/{row.target}_half_512x512'],
        'source-only': [f'datasets/{row.source}_to_{row.target}_512x512'],
    }.get(row.uda, [f'datasets/uda_{row.source}_to_{row.target}_512x512', f'uda/{row.uda}'])
    model = parse_architecture(row.architecture, row.backbone).base_file()
    names = [*data, f'schedules/{row.optimizer}', f'schedules/{row.schedule}']
    return ['_base_/default_runtime.py', model, *(f'_base_/{name}.py' for name in names)]


def _of_file(row: FileRow, seed: int, exp: int | str) -> Values:
    stem = row.name or PurePosixPath(row.config).stem
    return {'_base_': base_files(row), 'seed': seed, 'name': f'{stem}_s{seed}', 'exp': exp}


def _of_row(row: Row, seed: int, exp: int | str) -> Values:
    self_training = 'dacs' in row.uda
    cfg: Values = {
        '_base_': base_files(row),
        'n_gpus': 1,
        'seed': seed,
        'model': parse_architecture(row.architecture, row.backbone).model(),
    }
    if self_training and row.crop_pseudo_labels:
        cfg['uda'] = dict(IGNORED_ROWS)
    cfg['data'] = {
        'samples_per_gpu': row.batch_size,
        'workers_per_gpu': row.workers,
        'train': _sampling(row) if self_training else {},
    }
    if self_training:
        cfg['optimizer_config'] = None
    cfg['optimizer'] = {'lr': row.lr, 'paramwise_cfg': {'custom_keys': _custom_keys(row)}}
    cfg['runner'] = {'type': 'IterBasedRunner', 'max_iters': row.iters}
    cfg['checkpoint_config'] = {'by_epoch': False, 'interval': row.iters, 'max_keep_ckpts': 1}
    cfg['evaluation'] = {'interval': 100 if row.startup else row.iters // 10, 'metric': 'mIoU'}
    cfg.update(_names(row, seed, exp))
    if row.startup:
        cfg['log_level'] = LOG_ERRORS_ONLY
    return cfg


def _sampling(row: Row) -> Values:
    if row.rcs_temperature is None:
        return {}
    sampling = {
        'min_pixels': MIN_PIXELS,
        'class_temp': row.rcs_temperature,
        'min_crop_ratio': MIN_CROP_RATIO,
    }
    return {'rare_class_sampling': sampling}


def _custom_keys(row: Row) -> Values:
    keys: Values = {'head': {'lr_mult': 10.0}} if row.head_lr_mult else {}
    if 'mit' in row.backbone:
        keys.update({'pos_block': {'decay_mult': 0.0}, 'norm': {'decay_mult': 0.0}})
    return keys


def _names(row: Row, seed: int, exp: int | str) -> Values:
    uda = row.uda
    if 'dacs' in uda:
        uda += '' if row.rcs_temperature is None else f'_rcs{row.rcs_temperature}'
        uda += '_cpl' if row.crop_pseudo_labels else ''
    data = f'{row.source}2{row.target}'
    network = f'{row.architecture}_{row.backbone}'
    recipe = f'{row.optimizer}_{row.lr}_pm{row.head_lr_mult}_{row.schedule}'
    return {
        'name': _shorten(f'{data}_{uda}_{network}_{row.schedule}_s{seed}'),
        'exp': exp,
        'name_dataset': data,
        'name_architecture': network,
        'name_encoder': row.backbone,
        'name_decoder': row.architecture,
        'name_uda': uda,
        'name_opt': f'{recipe}_1x{row.batch_size}_{row.iters // 1000}k',
    }


def _shorten(name: str) -> str:
    for long, short in SHORT:
        name = name.replace(long, short)
    return name
