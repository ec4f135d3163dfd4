"""Pipelines whose steps are right one by one and cannot give what is asked for."""

from typing import Any

import pytest

from mmseg.config.pipelines import normalisation_problems, pipeline_problems
from mmseg.datasets.presets import expand_pipeline
from mmseg.registry import TRANSFORMS

TRAIN = expand_pipeline({'type': 'TrainPipeline', 'img_scale': (64, 32), 'crop_size': (32, 32)})
TEST = expand_pipeline({'type': 'TestPipeline', 'img_scale': (64, 32)})


def told(place: str, pipeline: Any) -> list[str]:
    data: dict[str, Any] = {
        'type': 'CustomDataset',
        'img_dir': 'images',
        'classes': ['a', 'b'],
        'pipeline': pipeline,
    }
    *parents, last = place.split('.')[1:]
    values: dict[str, Any] = {last: data}
    for key in reversed(parents):
        values = {key: values}
    return pipeline_problems({'data': values})


def without(name: str, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [step for step in steps if step['type'] != name]


def test_presets_fit_where_they_belong() -> None:
    assert (
        told('data.train.source', TRAIN)
        == told('data.train', TRAIN)
        == told('data.train.target', TRAIN)
        == []
    )
    assert told('data.val', TEST) == told('data.test', {'type': 'TestPipeline', 'img_scale': (64, 32)}) == []


@pytest.mark.parametrize(
    ('place', 'pipeline', 'words'),
    [
        ('data.train', TEST, 'MultiScaleFlipAug is for data.val and data.test'),
        ('data.val', TRAIN, 'LoadAnnotations is for training'),
        ('data.test', without('LoadAnnotations', TRAIN), 'the last step must be MultiScaleFlipAug'),
        ('data.train', [], 'the first step must be LoadImageFromFile'),
        ('data.train', without('LoadImageFromFile', TRAIN), 'the first step must be LoadImageFromFile'),
        ('data.train', without('Collect', TRAIN), 'the last step must be Collect'),
        ('data.train', without('DefaultFormatBundle', TRAIN), 'no step makes tensors'),
        ('data.train', without('LoadAnnotations', TRAIN), 'no LoadAnnotations reads it'),
        ('data.train', [*TRAIN[:-1], {'type': 'Collect', 'keys': ['img']}], 'expected gt_semantic_seg, too'),
        (
            'data.train',
            [*TRAIN[:-1], {'type': 'Collect', 'keys': ['gt_semantic_seg']}],
            "expected 'img', too",
        ),
        (
            'data.train',
            [
                *without('Normalize', TRAIN)[:-1],
                {'type': 'Normalize', 'mean': [0] * 3, 'std': [1] * 3},
                TRAIN[-1],
            ],
            'Normalize behind DefaultFormatBundle',
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else '',
)
def test_what_cannot_be_learned_or_tested(place: str, pipeline: Any, words: str) -> None:
    assert any(
        words in problem and problem.startswith(f'{place}.pipeline: ') for problem in told(place, pipeline)
    )


def test_a_target_needs_no_labels() -> None:
    steps = [*without('LoadAnnotations', TRAIN)[:-1], {'type': 'Collect', 'keys': ['img']}]
    assert told('data.train.target', steps) == []


def test_steps_of_others_may_do_what_they_like() -> None:
    @TRANSFORMS.register_module(name='OwnReader')
    class OwnReader:
        pass

    assert told('data.train', [{'type': 'OwnReader'}]) == []
    assert pipeline_problems({'data': {'train': {'type': 'OwnSet', 'img_dir': 'x', 'pipeline': []}}}) == []


def test_all_data_sets_are_normalised_alike() -> None:
    def values(**norm: Any) -> dict[str, Any]:
        other = [{**step, **norm} if step['type'] == 'Normalize' else step for step in TRAIN]
        return {'data': {'train': {'type': 'A', 'pipeline': TRAIN}, 'val': {'type': 'A', 'pipeline': other}}}

    assert normalisation_problems(values()) == normalisation_problems({}) == []
    for norm in ({'mean': [0, 0, 0]}, {'std': [1, 1, 1]}, {'to_rgb': False}):
        (problem,) = normalisation_problems(values(**norm))
        assert problem.startswith('data.val.pipeline: Normalize has mean')
        assert 'data.train has others' in problem
