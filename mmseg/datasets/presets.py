"""Pipelines as presets: the published step lists from their few numbers (spec/configs.md 5.2)."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from mmseg.errors import ConfigError

Steps = list[dict[str, Any]]
IMG_NORM_CFG = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375], 'to_rgb': True}


def train_pipeline(
    img_scale: Sequence[int],
    crop_size: Sequence[int],
    cat_max_ratio: float | None = None,
    color_aug: bool = False,
    labels: bool = True,
    flip_prob: float = 0.5,
    img_norm_cfg: dict[str, Any] | None = None,
) -> Steps:
    """The published training pipelines: S (``cat_max_ratio=0.75``), SA (and ``color_aug``), T, U (no ``labels``).

    Args:
        img_scale: (width, height).
        crop_size: (height, width).
        cat_max_ratio: see RandomCrop; None leaves it out.
        color_aug: insert PhotoMetricDistortion after the flip.
        labels: load labels and hand them on.
        flip_prob: probability of a horizontal flip.
        img_norm_cfg: mean, std, to_rgb; ImageNet's if None.
    """
    crop: dict[str, Any] = {'type': 'RandomCrop', 'crop_size': tuple(crop_size)}
    if cat_max_ratio is not None:
        crop['cat_max_ratio'] = cat_max_ratio
    return [
        {'type': 'LoadImageFromFile'},
        *([{'type': 'LoadAnnotations'}] if labels else []),
        {'type': 'Resize', 'img_scale': tuple(img_scale)},
        crop,
        {'type': 'RandomFlip', 'prob': flip_prob},
        *([{'type': 'PhotoMetricDistortion'}] if color_aug else []),
        {'type': 'Normalize', **(img_norm_cfg or IMG_NORM_CFG)},
        {'type': 'Pad', 'size': tuple(crop_size), 'pad_val': 0, 'seg_pad_val': 255},
        {'type': 'DefaultFormatBundle'},
        {'type': 'Collect', 'keys': ['img', 'gt_semantic_seg'] if labels else ['img']},
    ]


def test_pipeline(
    img_scale: Sequence[int],
    img_ratios: Sequence[float] | None = None,
    flip: bool = False,
    img_norm_cfg: dict[str, Any] | None = None,
) -> Steps:
    """The published test pipeline V.

    Args:
        img_scale: (width, height).
        img_ratios: factors for multi-scale testing; None leaves them out.
        flip: also test the mirrored picture.
        img_norm_cfg: mean, std, to_rgb; ImageNet's if None.
    """
    augmentation: dict[str, Any] = {'type': 'MultiScaleFlipAug', 'img_scale': tuple(img_scale)}
    if img_ratios is not None:
        augmentation['img_ratios'] = list(img_ratios)
    augmentation['flip'] = flip
    augmentation['transforms'] = [
        {'type': 'Resize', 'keep_ratio': True},
        {'type': 'RandomFlip'},
        {'type': 'Normalize', **(img_norm_cfg or IMG_NORM_CFG)},
        {'type': 'ImageToTensor', 'keys': ['img']},
        {'type': 'Collect', 'keys': ['img']},
    ]
    return [{'type': 'LoadImageFromFile'}, augmentation]


PRESETS: dict[str, Callable[..., Steps]] = {'TrainPipeline': train_pipeline, 'TestPipeline': test_pipeline}


def is_preset(value: Any) -> bool:
    """True for a dict whose ``type`` names a preset."""
    return isinstance(value, dict) and value.get('type') in PRESETS


def expand_pipeline(cfg: Sequence[dict[str, Any]] | dict[str, Any]) -> Steps:
    """A pipeline as a list of steps.

    Args:
        cfg: the list itself, or a preset: dict(type='TrainPipeline', img_scale=..., crop_size=..., ...) or
            dict(type='TestPipeline', img_scale=..., ...).

    Raises:
        ConfigError: unknown preset, unknown or missing number.
    """
    if not isinstance(cfg, dict):
        return [dict(step) for step in cfg]
    options = dict(cfg)
    name = options.pop('type', None)
    if name not in PRESETS:
        raise ConfigError(
            f'pipeline: unknown preset {name!r}; expected a list of steps or one of {sorted(PRESETS)}.'
        )
    try:
        inspect.signature(PRESETS[name]).bind(**options)
    except TypeError as error:
        known = ', '.join(inspect.signature(PRESETS[name]).parameters)
        raise ConfigError(f'pipeline: {name}: {error}; its keys are {known}.') from None
    return PRESETS[name](**options)


def without_labels(steps: Steps) -> Steps:
    """The steps without LoadAnnotations, unless a step decides by the label (RandomCrop with cat_max_ratio).

    The target's labels are never used in adaptation: not to decode them saves a fifth of the time of a sample.
    """
    if any(step.get('cat_max_ratio', 1.0) < 1.0 for step in steps):
        return steps
    return [_without_label_key(step) for step in steps if step['type'] != 'LoadAnnotations']


def with_collected(steps: Steps, key: str) -> Steps:
    """The steps with ``key`` added to those that the last step, Collect, hands on."""
    if not steps or steps[-1]['type'] != 'Collect':
        raise ConfigError(f'pipeline: the last step must be Collect, so that {key} can be handed on.')
    keys = [*steps[-1]['keys']]
    return [*steps[:-1], {**steps[-1], 'keys': keys if key in keys else [*keys, key]}]


def _without_label_key(step: dict[str, Any]) -> dict[str, Any]:
    if step['type'] != 'Collect':
        return step
    return {**step, 'keys': [key for key in step['keys'] if key != 'gt_semantic_seg']}
