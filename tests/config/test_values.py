"""Values of right type and wrong meaning are refused when the configuration is read, all at once."""

import copy
from typing import Any

import pytest

from mmseg.config import load_config
from mmseg.config.values import value_problems
from mmseg.errors import ConfigError
from mmseg.option_types import parameters
from mmseg.registry import DATASETS, MODELS, TRANSFORMS

CLASSES = ['a', 'b', 'c']
DATA: dict[str, Any] = {'type': 'CustomDataset', 'img_dir': 'images', 'classes': CLASSES, 'pipeline': []}
HEAD: dict[str, Any] = {'type': 'FCNHead', 'in_channels': 8, 'channels': 8, 'num_classes': 3}
MODELS.get('DACS')
HEADS = sorted(name for name in MODELS.module_dict if name.endswith('Head'))
SINGLE = sorted(n for n, kind in DATASETS.module_dict.items() if hasattr(kind, 'CLASSES'))
SAMPLING = {'min_pixels': 10, 'class_temp': 0.1, 'min_crop_ratio': 0.5}


def told(**sections: Any) -> str:
    return ' '.join(value_problems(sections))


def data(**options: Any) -> dict[str, Any]:
    return {'train': {**DATA, **options}}


def pair(**options: Any) -> dict[str, Any]:
    return {'train': {'type': 'UDADataset', 'source': DATA, 'target': DATA, **options}}


def test_right_values() -> None:
    steps = [{'type': 'Resize', 'img_scale': (64, 32)}, {'type': 'RandomCrop', 'crop_size': (32, 32)}]
    right = {
        'data': pair(
            rare_class_sampling={**SAMPLING, 'class_temp': 'inf'}, source={**DATA, 'pipeline': steps}
        ),
        'model': {
            'decode_head': {**HEAD, 'loss_decode': {'type': 'CrossEntropyLoss', 'class_weight': [1, 0, 2]}}
        },
        'optimizer': {'type': 'AdamW', 'lr': 0.1, 'betas': [0.9, 0.99], 'weight_decay': 0.01},
    }
    assert value_problems(right) == value_problems({}) == []


@pytest.mark.parametrize(
    ('step', 'words'),
    [
        ({'type': 'Resize', 'img_scale': (0, 96)}, 'img_scale is (0, 96)'),
        ({'type': 'Resize', 'img_scale': (9, 9), 'ratio_range': (2.0, 0.5)}, 'ratio_range is (2.0, 0.5)'),
        ({'type': 'RandomCrop', 'crop_size': (-64, 64)}, 'crop_size is (-64, 64)'),
        ({'type': 'RandomCrop', 'crop_size': (64, 64), 'cat_max_ratio': 0.0}, 'cat_max_ratio is 0.0'),
        ({'type': 'RandomFlip', 'prob': 2.0}, 'prob is 2.0'),
        ({'type': 'Normalize', 'mean': (0, 0, 0), 'std': (1, 0, 1)}, 'std is (1, 0, 1)'),
        ({'type': 'Pad', 'size': (0, 4)}, 'size=(0, 4)'),
        ({'type': 'Pad', 'size_divisor': 0}, 'size_divisor=0'),
        ({'type': 'PhotoMetricDistortion', 'contrast_range': (2.0, 1.0)}, 'contrast_range=(2.0, 1.0)'),
        ({'type': 'StrongPhotometric', 'hue': 0.9}, 'hue=0.9'),
        ({'type': 'ColourTransfer', 'img_dir': 'not there', 'prob': -1.0}, 'prob is -1.0'),
        ({'type': 'MultiScaleFlipAug', 'img_scale': (0, 4), 'transforms': []}, 'img_scale=(0, 4)'),
    ],
    ids=str,
)
def test_steps(step: dict[str, Any], words: str) -> None:
    assert words in told(data=data(pipeline=[step]))
    inner = {'type': 'MultiScaleFlipAug', 'transforms': [step]}
    (problem,) = value_problems({'data': data(pipeline=[inner])})
    assert words in problem
    assert problem.startswith('data.train.pipeline.0.transforms.0')


def test_every_registered_step_is_judged_without_files() -> None:
    """A step is built by the check, so it must not read anything, or say what is wrong without being built."""
    needed = {'ColourTransfer': {'img_dir': 'not there'}, 'Collect': {'keys': []}, 'ImageToTensor': {'keys': []},
              'MultiScaleFlipAug': {'transforms': []}, 'Normalize': {'mean': [0, 0, 0], 'std': [1, 1, 1]},
              'Pad': {'size_divisor': 2}, 'RandomCrop': {'crop_size': [2, 2]},
              'Resize': {'img_scale': [2, 2]}}  # fmt: skip
    steps = [{'type': name, **needed.get(name, {})} for name in sorted(TRANSFORMS.module_dict)]
    assert told(data=data(pipeline=[step for step in steps if step['type'].isalnum()])) == ''


def test_presets_are_judged_by_their_steps() -> None:
    preset = {'type': 'TrainPipeline', 'img_scale': (128, 96), 'crop_size': (0, 64), 'flip_prob': -1.0}
    found = value_problems({'data': data(pipeline=preset)})
    assert [problem.partition(': ')[0] for problem in found] == ['data.train.pipeline'] * 3


@pytest.mark.parametrize('kind', SINGLE)
@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'ignore_index': -100}, 'ignore_index: found -100'),
        ({'ignore_index': 256}, 'ignore_index: found 256'),
        ({'classes': ['road', 'road']}, 'classes: road named more than once'),
        ({'classes': []}, 'classes: found []'),
        ({'palette': [[0, 0, 0]]}, 'palette: found 1 colours'),
        ({'palette': []}, 'palette: found 0 colours'),
        ({'palette': [[0, 0, 300]], 'classes': ['road']}, 'palette: found the colour [0, 0, 300]'),
        ({'palette': [[0, 0]], 'classes': ['road']}, 'palette: found the colour [0, 0]'),
        ({'class_merge': {'merge': {0: 99}}}, 'class_merge: '),
        ({'class_merge': {'merge': {'sky': 0}}}, 'class_merge: '),
        ({'img_dir': ['x', 'y'], 'ann_dir': ['z']}, 'img_dir: lists of folders with different lengths'),
    ],
    ids=str,
)
def test_every_data_set(kind: str, options: dict[str, Any], words: str) -> None:
    own = {} if kind != 'CustomDataset' else {'classes': CLASSES}
    single = {'type': kind, 'img_dir': 'images', 'pipeline': [], **own, **options}
    assert f'data.train.0.{words}' in told(data={'train': [single]})


def test_classes_that_a_data_set_does_not_have() -> None:
    assert 'classes: lorry not among those of GTADataset' in told(
        data=data(type='GTADataset', classes=['lorry'])
    )
    assert 'at most 255' in told(data=data(classes=[f'class {i}' for i in range(256)]))


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'source': None}, 'source: found None'),
        ({'target': []}, 'target: found []'),
        ({'sync_crop_size': (0, 4)}, 'sync_crop_size: found (0, 4)'),
        (
            {'rare_class_sampling': {**SAMPLING, 'class_temp': 0.0}},
            'rare_class_sampling.class_temp: found 0.0',
        ),
        ({'rare_class_sampling': {**SAMPLING, 'min_pixels': -1}}, 'rare_class_sampling.min_pixels: found -1'),
        ({'rare_class_sampling': {'min_pixels': 3}}, 'rare_class_sampling.class_temp: missing'),
    ],
    ids=str,
)
def test_pairs(options: dict[str, Any], words: str) -> None:
    assert f'data.train.{words}' in told(data=pair(**options))


def test_repetition() -> None:
    train = {'type': 'RepeatDataset', 'times': 0, 'dataset': DATA}
    assert 'data.train.times is 0' in told(data={'train': train})


@pytest.mark.parametrize('kind', HEADS)
@pytest.mark.parametrize('slot', ['decode_head', 'auxiliary_head'])
def test_every_head(kind: str, slot: str) -> None:
    known, required = parameters(MODELS.get(kind))
    wrong = {'channels': 0, 'in_channels': [8, 0], 'in_index': [0, 1, 2]}
    needed = {name: {} for name in required}
    needed |= {'in_channels': [8, 0], 'channels': 8, 'num_classes': 3, 'scales': [1, 0.5], 'init_cfg': None}
    options = {key: value for key, value in {**needed, **wrong}.items() if key in known}
    kind_problems = MODELS.get(kind).problems(options)
    assert {text.partition(':')[0] for text in kind_problems} == {
        k for k in wrong if k in known and k != 'in_index'
    }
    assert f'model.{slot}' in told(model={slot: {**HEAD, 'channels': 0}})


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'class_weight': [1.0, -2.0, 1.0]}, 'class_weight is [1.0, -2.0, 1.0]'),
        ({'class_weight': [0, 0, 0]}, 'not all 0'),
        ({'loss_weight': -1.0}, 'loss_weight is -1.0'),
        ({'reduction': 'avg'}, "reduction is 'avg'"),
        ({'use_sigmoid': True}, 'use_sigmoid'),
    ],
    ids=str,
)
def test_losses(options: dict[str, Any], words: str) -> None:
    loss = {'type': 'CrossEntropyLoss', **options}
    assert words in told(model={'decode_head': {**HEAD, 'loss_decode': loss}})


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'betas': [0.9, 1.5]}, 'Invalid beta'),
        ({'weight_decay': -1.0}, 'weight_decay'),
        (
            {'paramwise_cfg': {'custom_keys': {'head': {'lr_mult': -1.0}}}},
            'custom_keys.head.lr_mult: found -1.0',
        ),
    ],
    ids=str,
)
def test_optimizers(options: dict[str, Any], words: str) -> None:
    assert words in told(optimizer={'type': 'AdamW', 'lr': 0.1, **options})
    assert told(optimizer={'type': 'AdamW', 'lr': 0.1, 'betas': 'x'}) == '', 'of another type: told elsewhere'


def test_components_of_others_are_not_built() -> None:
    """They may read files or take long; their own judgement is asked for."""
    built: list[int] = []

    @TRANSFORMS.register_module(name='OwnStep')
    class OwnStep:
        def __init__(self, size: int = 1) -> None:
            built.append(size)

    @TRANSFORMS.register_module(name='JudgingStep')
    class JudgingStep(OwnStep):
        @staticmethod
        def problems(options: dict[str, Any]) -> list[str]:
            return [f'size: found {options["size"]}; expected less.']

    found = value_problems({'data': data(pipeline=[{'type': 'OwnStep'}, {'type': 'JudgingStep', 'size': 9}])})
    assert found == ['data.train.pipeline.1.size: found 9; expected less.']
    assert built == []


def test_all_are_told_at_once_before_anything_is_read() -> None:
    values = {
        'model': {
            'type': 'EncoderDecoder',
            'backbone': {'type': 'mit_b0'},
            'decode_head': {**HEAD, 'channels': 0},
        },
        'data': data(ignore_index=300, pipeline=[{'type': 'RandomCrop', 'crop_size': (0, 1)}]),
        'optimizer': {'type': 'SGD', 'lr': 0.1, 'momentum': -1.0},
        'lr_config': {'warmup': 'linear', 'warmup_ratio': 2},
    }
    before = copy.deepcopy(values)
    with pytest.raises(ConfigError, match='5 problems'):
        load_config(values)
    assert values == before


@pytest.mark.parametrize(
    'found', ['x', 5, [1], 0.5, None, {'custom_keys': 'x'}, {'custom_keys': {'head': 3}}]
)
def test_options_by_parameter_of_other_types_are_left_to_the_types(found: Any) -> None:
    value_problems({'optimizer': {'type': 'SGD', 'lr': 1.0, 'paramwise_cfg': found}})
