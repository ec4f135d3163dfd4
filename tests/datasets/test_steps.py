"""Changes to lists of steps."""

import pytest

from mmseg.batch import Normalisation
from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.presets import expand_pipeline
from mmseg.datasets.steps import normalisation_of, with_collected, without_labels
from mmseg.errors import ConfigError

PRESET = {'type': 'TrainPipeline', 'img_scale': (40, 24), 'crop_size': (16, 20)}


def test_labels_are_left_out() -> None:
    steps = expand_pipeline(PRESET)
    kept = without_labels(steps)
    assert [s['type'] for s in kept] == [s['type'] for s in steps if s['type'] != 'LoadAnnotations']
    assert kept[-1]['keys'] == ['img']
    assert steps[-1]['keys'] == ['img', 'gt_semantic_seg']


def test_labels_stay_where_a_crop_is_chosen_by_them() -> None:
    steps = expand_pipeline({**PRESET, 'cat_max_ratio': 0.75})
    assert without_labels(steps) == steps


def test_key_is_added_once_and_the_given_list_stays() -> None:
    steps = [{'type': 'Collect', 'keys': ['img']}]
    twice = with_collected(with_collected(steps, 'mask'), 'mask')
    assert twice == [{'type': 'Collect', 'keys': ['img', 'mask']}]
    assert steps == [{'type': 'Collect', 'keys': ['img']}]


def test_last_step_must_collect() -> None:
    with pytest.raises(ConfigError, match='Collect'):
        with_collected([{'type': 'Normalize'}], 'mask')


def test_normalisation_is_that_of_the_source() -> None:
    source = [{'type': 'Resize'}, {'type': 'Normalize', 'mean': [1, 2, 3], 'std': [4, 5, 6]}]
    target = [{'type': 'Normalize', 'mean': [0, 0, 0], 'std': [9, 9, 9]}]
    pair = {'source': [{'pipeline': source}], 'target': {'pipeline': target}}
    assert normalisation_of(pair) == Normalisation((1, 2, 3), (4, 5, 6))
    assert normalisation_of({'pipeline': []}) == Normalisation((0, 0, 0), (1, 1, 1))


def test_without_data_the_numbers_are_those_of_imagenet() -> None:
    assert normalisation_of(None).mean == (123.675, 116.28, 103.53)


def test_a_preset_is_for_settings_not_for_a_data_set(tmp_path):
    with pytest.raises(ConfigError, match='expected a list of steps'):
        CustomDataset(PRESET, str(tmp_path), classes=('a', 'b'))
