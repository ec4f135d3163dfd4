"""Pipelines in a few numbers.

A configuration may write a pipeline as the published list of steps or as a preset, which is nothing but that
list with its few numbers named. They are expanded where settings come in: a configuration when it
is read, the dict of a data set when it is built. Nothing behind that knows presets.

The steps and their order are those of docs/methods/configs.md#pipelines (S, SA, T, U and V there).
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmseg.batch import Normalisation
from mmseg.errors import ConfigError
from mmseg.option_types import mismatches

Step = dict[str, Any]

IMAGENET_NORM: Step = {'mean': list(Normalisation().mean), 'std': list(Normalisation().std), 'to_rgb': True}


def train_pipeline(
    img_scale: tuple[int, int],
    crop_size: tuple[int, int],
    cat_max_ratio: float | None = None,
    photometric: bool = False,
    labels: bool = True,
    flip_prob: float = 0.5,
    img_norm_cfg: Step | None = None,
    ratio_range: Sequence[float] | None = None,
    colour_transfer: Step | None = None,
    strong_photometric: Step | None = None,
) -> list[Step]:
    """Resize, crop, flip, normalise, pad to the crop size.

    Args:
        img_scale: (width, height) the image is resized to, keeping its aspect ratio.
        crop_size: (height, width) of the crop.
        cat_max_ratio: re-draw a crop in which one class has at least this share; None: no check.
        photometric: distort colours (for methods without strong augmentation of their own).
        labels: load the label map; False for targets that have none.
        flip_prob: probability of a horizontal flip.
        img_norm_cfg: mean, std and to_rgb of ``Normalize``; ImageNet's if None.
        ratio_range: scale by a random factor between these two besides.
        colour_transfer: arguments of ``ColourTransfer``; None: none.
        strong_photometric: arguments of ``StrongPhotometric``, {} for its defaults; None: none.
    """
    resize: Step = {'type': 'Resize', 'img_scale': tuple(img_scale)}
    if ratio_range is not None:
        resize['ratio_range'] = tuple(ratio_range)
    crop: Step = {'type': 'RandomCrop', 'crop_size': tuple(crop_size)}
    if cat_max_ratio is not None:
        crop['cat_max_ratio'] = cat_max_ratio
    keys = ['img', 'gt_semantic_seg'] if labels else ['img']
    return [
        {'type': 'LoadImageFromFile'},
        *([{'type': 'LoadAnnotations'}] if labels else []),
        resize,
        *([] if colour_transfer is None else [{'type': 'ColourTransfer', **colour_transfer}]),
        crop,
        {'type': 'RandomFlip', 'prob': flip_prob},
        *([{'type': 'PhotoMetricDistortion'}] if photometric else []),
        *([] if strong_photometric is None else [{'type': 'StrongPhotometric', **strong_photometric}]),
        {'type': 'Normalize', **(img_norm_cfg or IMAGENET_NORM)},
        {'type': 'Pad', 'size': tuple(crop_size), 'pad_val': 0, 'seg_pad_val': 255},
        {'type': 'DefaultFormatBundle'},
        {'type': 'Collect', 'keys': keys},
    ]


def inference_pipeline(img_scale: tuple[int, int], img_norm_cfg: Step | None = None) -> list[Step]:
    """One resized, normalised image and no random step.

    Args:
        img_scale: (width, height) the image is resized to, keeping its aspect ratio.
        img_norm_cfg: mean, std and to_rgb of ``Normalize``; ImageNet's if None.
    """
    transforms: list[Step] = [
        {'type': 'Resize', 'keep_ratio': True},
        {'type': 'RandomFlip'},
        {'type': 'Normalize', **(img_norm_cfg or IMAGENET_NORM)},
        {'type': 'ImageToTensor', 'keys': ['img']},
        {'type': 'Collect', 'keys': ['img']},
    ]
    scales: Step = {'type': 'MultiScaleFlipAug', 'img_scale': tuple(img_scale), 'flip': False}
    return [{'type': 'LoadImageFromFile'}, {**scales, 'transforms': transforms}]


PRESETS: dict[str, Callable[..., list[Step]]] = {
    'TrainPipeline': train_pipeline,
    'TestPipeline': inference_pipeline,
}


def is_preset(value: Any) -> bool:
    """True for a dict whose ``type`` names a preset."""
    return isinstance(value, dict) and isinstance(value.get('type'), str) and value['type'] in PRESETS


def expanded(value: Any) -> Any:
    """A copy of settings (dicts, lists, values) with every preset replaced by its steps.

    A preset with options of wrong types stays: the check of configurations tells it, with all other problems.
    """
    if is_preset(value):
        wrong = next(mismatches(PRESETS[value['type']], value), None)
        return dict(value) if wrong else expand_pipeline(value)
    if isinstance(value, Mapping):
        return {key: expanded(item) for key, item in value.items()}
    return [expanded(item) for item in value] if isinstance(value, list) else value


def expand_pipeline(pipeline: Sequence[Step] | Step) -> list[Step]:
    """The list of steps that a pipeline means; a list is returned as a copy.

    Raises:
        ConfigError: the preset's name or numbers are not valid.
    """
    if not isinstance(pipeline, dict):
        return [copy.deepcopy(step) for step in pipeline]
    if not is_preset(pipeline):
        raise ConfigError(
            f'A pipeline is a list of steps or one of the presets {", ".join(PRESETS)}; found type '
            f'{pipeline.get("type")!r}. Put a single step into a list.'
        )
    numbers = {key: value for key, value in pipeline.items() if key != 'type'}
    try:
        return copy.deepcopy(PRESETS[pipeline['type']](**numbers))
    except TypeError as error:
        raise ConfigError(f'Pipeline preset {pipeline["type"]}: {error}.') from error
