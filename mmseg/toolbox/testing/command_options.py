"""Options of a test run that change the configuration: what is predicted, of which pictures.

Source: docs/methods/tools.md#test-program.
"""

import re
from collections.abc import Sequence
from typing import Any

from mmengine.config import Config

from mmseg.datasets.building import single_datasets
from mmseg.errors import UsageError

PATHS = {'data_root', 'img_dir', 'ann_dir', 'split'}
WORD = re.compile(r'(?<![A-Za-z])val(?![A-Za-z])')
"""``val`` by itself: not in 'interval', 'valley'."""


def set_multi_scale(cfg: Config) -> None:
    """Switch test-time augmentation on, in place (docs/methods/tools.md#test-program).

    Raises:
        UsageError: the pipeline of ``data.test`` has no step for it.
    """
    for step in _augmentations(cfg, '--aug-test'):
        step.update(img_ratios=[0.5, 0.75, 1.0, 1.25, 1.5, 1.75], flip=True)


def set_scale(cfg: Config, scale: Sequence[int]) -> None:
    """Fit pictures into (width, height) for the network, in place.

    Raises:
        UsageError: as :func:`set_multi_scale`.
    """
    for step in _augmentations(cfg, '--scale'):
        step['img_scale'] = tuple(scale)


def _augmentations(cfg: Config, option: str) -> list[dict[str, Any]]:
    """The steps of the test pipelines that say how large pictures become, and in which versions."""
    pipelines = [single['pipeline'] for single in single_datasets(cfg.data.test)]
    found = [step for steps in pipelines for step in steps if step.get('type') == 'MultiScaleFlipAug']
    if len(found) == len(pipelines):
        return found
    raise UsageError(
        f'{option}: the pipeline of data.test has no step MultiScaleFlipAug, whose keys it sets. Put Resize, '
        'RandomFlip, ... inside such a step, as configs/_base_/datasets do, or leave the option out.'
    )


def chosen_sizes(cfg: Config, given: Sequence[Sequence[int]] | None) -> list[tuple[int, int]]:
    """Picture sizes (height, width): those that --shape names, else the one of the test pipeline.

    Raises:
        UsageError: a size is not positive, or none is named and the pipeline has no single scale.
    """
    sizes = [(height, width) for height, width in given or ()]
    if any(min(size) < 1 for size in sizes):
        raise UsageError('--shape: expected two positive numbers, height and width.')
    if sizes:
        return sizes
    single: dict[str, Any] = next(single_datasets(cfg.get('data', {}).get('test')), {})
    steps = single.get('pipeline', [])
    scale = next((step['img_scale'] for step in steps if step.get('img_scale')), None)
    if scale is None or not isinstance(scale[0], int):
        raise UsageError('The test pipeline names no single img_scale; add --shape HEIGHT WIDTH.')
    return [(scale[1], scale[0])]


def set_test_split(cfg: Config) -> None:
    """Replace the word ``val`` by ``test`` in the paths of (the data sets of) ``data.test``, in place."""
    for single in single_datasets(cfg.data.test):
        for key in PATHS & single.keys():
            value = single[key]
            several = [value] if isinstance(value, str) else value or []
            changed = [WORD.sub('test', path) for path in several]
            single[key] = changed if isinstance(value, list | tuple) else next(iter(changed), value)


def set_inference_mode(cfg: Config, mode: str) -> None:
    """Predict pictures whole or by sliding windows of the training crop's size, in place.

    Raises:
        UsageError: 'slide' is asked for and the configuration has no crop size.
    """
    if mode == 'whole':
        cfg.model.test_cfg = {'mode': 'whole'}
        return
    size = cfg.data.get('train', {}).get('sync_crop_size') or cfg.get('crop_size')
    if size is None:
        raise UsageError(
            '--inference-mode slide: the configuration has neither data.train.sync_crop_size nor crop_size. Add '
            '"--cfg-options crop_size=[512,512]".'
        )
    stride = [int(edge / 2) for edge in size]
    cfg.model.test_cfg = {'mode': 'slide', 'crop_size': list(size), 'stride': stride, 'batched_slide': True}


def set_scale_output(cfg: Config, mode: str) -> None:
    """Let an HRDA network show one of its scales, or its attention to the detail scale, in place.

    Source: docs/methods/hrda.md#showing-one-scale.

    Args:
        mode: 'LR' or 'HR': class maps of the context or of the detail alone; 'ATT': attention.

    Raises:
        UsageError: another network.
    """
    check_scales(cfg, f'--hrda-out {mode}')
    if mode == 'ATT':
        cfg.model.decode_head.debug_output_attention = True
    else:
        cfg.model.decode_head.fixed_attention = {'LR': 0.0, 'HR': 1.0}[mode]


def check_scales(cfg: Config, option: str) -> None:
    """Make sure that the network has two scales; raises UsageError, naming the option that needs them."""
    if cfg.model.type != 'HRDAEncoderDecoder':
        raise UsageError(
            f'{option}: the network of this configuration is {cfg.model.type}, which has one scale only; expected '
            'HRDAEncoderDecoder. Leave the option out.'
        )
