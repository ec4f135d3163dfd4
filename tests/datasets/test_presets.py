"""Pipelines in a few numbers are the published lists of steps (docs/methods/configs.md#pipelines)."""

from typing import Any

import pytest

from mmseg.datasets.presets import expand_pipeline, is_preset
from mmseg.errors import ConfigError

TRAIN: dict[str, Any] = {'type': 'TrainPipeline', 'img_scale': (64, 32), 'crop_size': (16, 8)}


def types(pipeline: dict[str, Any]) -> list[str]:
    return [step['type'] for step in expand_pipeline(pipeline)]


def test_labelled_training_pipeline() -> None:
    steps = expand_pipeline({**TRAIN, 'cat_max_ratio': 0.75})
    assert [step['type'] for step in steps] == [
        'LoadImageFromFile', 'LoadAnnotations', 'Resize', 'RandomCrop', 'RandomFlip', 'Normalize', 'Pad',
        'DefaultFormatBundle', 'Collect',
    ]  # fmt: skip
    assert steps[2] == {'type': 'Resize', 'img_scale': (64, 32)}
    assert steps[3] == {'type': 'RandomCrop', 'crop_size': (16, 8), 'cat_max_ratio': 0.75}
    assert steps[6] == {'type': 'Pad', 'size': (16, 8), 'pad_val': 0, 'seg_pad_val': 255}
    assert steps[-1]['keys'] == ['img', 'gt_semantic_seg']


def test_variants_add_or_leave_out_one_step() -> None:
    plain = types(TRAIN)
    colour = types({**TRAIN, 'photometric': True})
    assert colour[:5] + colour[6:] == plain
    assert colour[5] == 'PhotoMetricDistortion'
    unlabelled = {**TRAIN, 'labels': False}
    assert types(unlabelled) == [name for name in plain if name != 'LoadAnnotations']
    assert expand_pipeline(unlabelled)[-1]['keys'] == ['img']
    assert 'cat_max_ratio' not in expand_pipeline(TRAIN)[3]


def test_inference_pipeline() -> None:
    load, scales = expand_pipeline({'type': 'TestPipeline', 'img_scale': (64, 32)})
    assert load == {'type': 'LoadImageFromFile'}
    assert (scales['img_scale'], scales['flip']) == ((64, 32), False)
    assert [step['type'] for step in scales['transforms']] == [
        'Resize', 'RandomFlip', 'Normalize', 'ImageToTensor', 'Collect',
    ]  # fmt: skip


def test_expansions_share_nothing() -> None:
    first = expand_pipeline(TRAIN)
    first[5]['mean'][0] = 0
    assert expand_pipeline(TRAIN)[5]['mean'][0] == 123.675
    steps = [{'type': 'Resize', 'img_scale': [1, 2]}]
    assert expand_pipeline(steps) == steps
    assert expand_pipeline(steps)[0] is not steps[0]


def test_wrong_presets_are_explained() -> None:
    assert is_preset(TRAIN)
    assert not is_preset({'type': 'Resize'})
    with pytest.raises(ConfigError, match='list of steps'):
        expand_pipeline({'type': 'Resize'})
    with pytest.raises(ConfigError, match='TrainPipeline'):
        expand_pipeline({'type': 'TrainPipeline', 'scale': 3})
