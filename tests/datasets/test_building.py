"""Walking through configurations of data sets."""

import pytest

from mmseg.datasets.building import changed_datasets, one_folder, single_datasets, split_folders
from mmseg.errors import ConfigError

A, B, C = {'type': 'A'}, {'type': 'B'}, {'type': 'C'}


def test_single_data_sets_are_found_in_order() -> None:
    pair = {
        'type': 'UDADataset',
        'source': [A, {'type': 'RepeatDataset', 'dataset': B, 'times': 2}],
        'target': C,
    }
    assert list(single_datasets(pair)) == [A, B, C]
    assert list(single_datasets(None)) == []


def test_options_reach_every_single_data_set() -> None:
    nested = [
        A,
        {'type': 'ConcatDataset', 'datasets': [B, {'type': 'RepeatDataset', 'dataset': C, 'times': 2}]},
    ]
    changed = changed_datasets(nested, lambda single: {**single, 'test_mode': True})
    assert all(single['test_mode'] for single in single_datasets(changed))
    assert 'test_mode' not in A


def test_lists_of_folders_become_parts() -> None:
    cfg = {'type': 'A', 'img_dir': ['x', 'y'], 'ann_dir': 'z'}
    assert split_folders(cfg) == [
        {'type': 'A', 'img_dir': 'x', 'ann_dir': 'z'},
        {'type': 'A', 'img_dir': 'y', 'ann_dir': 'z'},
    ]
    assert split_folders(A) == [A]
    with pytest.raises(ConfigError, match='different lengths'):
        split_folders({**cfg, 'ann_dir': []})


def test_lists_of_folders_are_checked_by_one_of_them() -> None:
    cfg = {'type': 'A', 'img_dir': ['x', 'y'], 'ann_dir': ['z', 5], 'split': []}
    assert one_folder(cfg) == {'type': 'A', 'img_dir': 'x', 'ann_dir': 5, 'split': []}
