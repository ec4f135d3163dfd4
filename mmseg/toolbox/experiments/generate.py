"""From rows to configurations: the published generator (docs/methods/experiments.md#fields)."""

from functools import cache
from pathlib import PurePosixPath
from typing import Any

from mmengine.config import Config

from mmseg.config.files import SHIPPED, configs_folder, is_shipped
from mmseg.errors import UsageError, nearest
from mmseg.toolbox.experiments.architecture import parse_architecture
from mmseg.toolbox.experiments.rows import AnyRow, Experiment, FileRow, Row

Values = dict[str, Any]

SHORT = (
    ('.', ''),
    ('True', 'T'),
    ('False', 'F'),
    ('None', 'N'),
    ('cityscapes', 'cs'),
    ('synthia', 'syn'),
    ('darkzurich', 'dzur'),
)
"""Replacements in the names of runs, in this order (docs/methods/experiments.md#names)."""

MIN_PIXELS = 3000
"""Rare class sampling: an image has a class from so many pixels on."""

MARGINS = [30, 240, 30, 30]
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


def compose_all(experiment: Experiment) -> list[Values]:
    """The configurations of all runs in the published order: rows outside, seeds inside.

    Raises:
        UsageError: a row names a network, data set, method or schedule that has no file; tells the nearest name.
    """
    for row in experiment.rows:
        _check_files(experiment, row)
    return [compose(row, seed, experiment.exp) for row in experiment.rows for seed in row.seeds]


def _check_files(experiment: Experiment, row: AnyRow) -> None:
    for file in base_files(row):
        path = configs_folder() / file
        if not path.is_file():
            others = (other.stem for other in path.parent.glob('*.py'))
            raise UsageError(
                f'A row of experiment {experiment.id} needs {path}, which does not exist{nearest(path.stem, others)}.'
            )


def base_files(row: AnyRow) -> list[str]:
    """The ``_base_`` list, relative to the folder configs/ (docs/methods/experiments.md#base-files)."""
    if isinstance(row, FileRow):
        return [row.config]
    data = {
        'target-only': [f'datasets/{row.oracle_data.format(target=row.target, crop=row.crop)}'],
        'source-only': [f'datasets/{row.source}_to_{row.target}_{row.crop}'],
    }.get(row.uda, [f'datasets/uda_{row.source}_to_{row.target}_{row.crop}', f'uda/{row.uda}'])
    model = parse_architecture(row.architecture, row.backbone).base_file()
    names = [*data, f'schedules/{row.optimizer}', f'schedules/{row.schedule}']
    return ['_base_/default_runtime.py', model, *(f'_base_/{name}.py' for name in names)]


def _of_file(row: FileRow, seed: int, exp: int | str) -> Values:
    stem = row.name or PurePosixPath(row.config).stem
    return {'_base_': base_files(row), 'seed': seed, 'name': f'{stem}_s{seed}', 'exp': exp}


def _of_row(row: Row, seed: int, exp: int | str) -> Values:
    cfg: Values = {'_base_': base_files(row), 'n_gpus': 1, 'seed': seed, 'model': _model(row)}
    if row.gpu_model is not None:
        cfg['gpu_model'] = row.gpu_model
    if uda := _method(row):
        cfg['uda'] = uda
    cfg['data'] = {
        'samples_per_gpu': row.batch_size,
        'workers_per_gpu': row.workers,
        'train': _pairing(row),
    }
    if any(method in row.uda for method in ('dacs', 'minent', 'advseg')):
        cfg['optimizer_config'] = None
    cfg['optimizer'] = {'lr': row.lr, 'paramwise_cfg': {'custom_keys': _custom_keys(row)}}
    cfg['runner'] = {'type': 'IterBasedRunner', 'max_iters': row.iters}
    save, keep = (row.iters, 1) if row.check_ups is None else (row.iters // row.check_ups, 50)
    cfg['checkpoint_config'] = {'by_epoch': False, 'interval': save, 'max_keep_ckpts': keep}
    evaluate = 100 if row.startup else row.iters // (row.check_ups or 10)
    cfg['evaluation'] = {'interval': evaluate, 'metric': 'mIoU'}
    cfg.update(_names(row, seed, exp))
    if row.startup:
        cfg['log_level'] = LOG_ERRORS_ONLY
    return cfg


def _model(row: Row) -> Values:
    """Changes to the base file's network (docs/methods/experiments.md#backbones to #inference-mode)."""
    architecture = parse_architecture(row.architecture, row.backbone)
    model = architecture.model()
    if architecture.hrda:
        head = _head_type(architecture.base_file())
        model = architecture.hrda.around(model, head, row.crop_size(), '_fd' in row.uda)
    if row.inference == 'slide':
        height, width = row.crop_size()
        model['test_cfg'] = {
            'mode': 'slide',
            'batched_slide': row.batched_slide,
            'crop_size': [height, width],
            'stride': [height // 2, width // 2],
        }
    return model


@cache
def _head_type(base_file: str) -> str:
    if is_shipped(configs_folder() / base_file):
        return str(Config.fromfile(str(SHIPPED / base_file)).model.decode_head.type)
    from mmseg.config import load_config  # late: it takes torch, and names of runs are to be listed at once

    return str(load_config({'_base_': [base_file]}, check=False).model.decode_head.type)


def _makes_pseudo_labels(row: Row) -> bool:
    return 'dacs' in row.uda or row.masking is not None


def _method(row: Row) -> Values:
    """Changes to the base file's method."""
    cropped = _makes_pseudo_labels(row) and row.crop_pseudo_labels in (True, 'v1')
    parts = [part.options() for part in (row.masking, row.bank) if part is not None]
    return {key: value for part in ((IGNORED_ROWS if cropped else {}), *parts) for key, value in part.items()}


def _pairing(row: Row) -> Values:
    """What the paired data set does besides pairing."""
    train: Values = {}
    if _makes_pseudo_labels(row) and row.crop_pseudo_labels == 'v2':
        train['target'] = {'crop_pseudo_margins': list(MARGINS)}
    if 'dacs' not in row.uda:
        return train
    if row.rcs_temperature is not None:
        train['rare_class_sampling'] = {
            'min_pixels': MIN_PIXELS,
            'class_temp': row.rcs_temperature,
            'min_crop_ratio': row.min_crop_ratio,
        }
    if row.sync_crop_size is not None:
        train['sync_crop_size'] = list(row.sync_crop_size)
    return train


def _custom_keys(row: Row) -> Values:
    keys: Values = {'head': {'lr_mult': 10.0}} if row.head_lr_mult else {}
    if 'mit' in row.backbone:
        keys.update({'pos_block': {'decay_mult': 0.0}, 'norm': {'decay_mult': 0.0}})
    return keys


def _names(row: Row, seed: int, exp: int | str) -> Values:
    """Names of the run and its parts (docs/methods/experiments.md#names)."""
    uda = row.uda + _pairing_name(row) + (row.masking.name() if row.masking else '')
    uda += row.bank.name() if row.bank else ''
    data = f'{row.source}2{row.target}' + ('' if row.crop == '512x512' else f'_{row.crop}')
    decoder = row.architecture + ('_sl' if row.inference == 'slide' else '')
    network = f'{decoder}_{row.backbone}'
    recipe = f'{row.optimizer}_{row.lr}_pm{row.head_lr_mult}_{row.schedule}'
    return {
        'name': _shorten(f'{data}_{uda}_{network}_{row.schedule}{_recipe_name(row)}_s{seed}'),
        'exp': exp,
        'name_dataset': data,
        'name_architecture': network,
        'name_encoder': row.backbone,
        'name_decoder': decoder,
        'name_uda': uda,
        'name_opt': f'{recipe}_1x{row.batch_size}_{row.iters // 1000}k',
    }


def _pairing_name(row: Row) -> str:
    name = ''
    if 'dacs' in row.uda and row.rcs_temperature is not None:
        name += f'_rcs{row.rcs_temperature}' + ('' if row.min_crop_ratio == 0.5 else f'-{row.min_crop_ratio}')
    if 'dacs' in row.uda and row.sync_crop_size is not None:
        name += f'_sf{row.sync_crop_size[0]}x{row.sync_crop_size[1]}'
    if _makes_pseudo_labels(row) and row.crop_pseudo_labels:
        name += '_cpl' + str(row.crop_pseudo_labels).removeprefix('True').removeprefix('v').removeprefix('1')
    return name


def _recipe_name(row: Row) -> str:
    """Only what differs from the usual optimiser."""
    name = '' if row.optimizer == 'adamw' else f'_{row.optimizer}'
    name += '' if row.lr == 0.00006 else f'_{row.lr}'
    return name if row.head_lr_mult else f'{name}_pm{row.head_lr_mult}'


def _shorten(name: str) -> str:
    for long, short in SHORT:
        name = name.replace(long, short)
    return name
