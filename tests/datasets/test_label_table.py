"""Training, scoring, sampling and frequencies see every label map through the same table, for every data set."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg.datasets import CustomDataset, build_dataset
from mmseg.datasets.label_table import IGNORED, label_table
from mmseg.datasets.random import rng_for
from mmseg.errors import ConfigError, DataError
from mmseg.fileio import write_label_png
from mmseg.registry import DATASETS
from mmseg.toolbox.preparation.class_use import label_of, stored_use

NAMES = ['a', 'b', 'c', 'd']
SHAPE = (8, 12)
DATASETS.get('CustomDataset')  # fills the registry
SINGLE = sorted(
    name
    for name, kind in DATASETS.module_dict.items()
    if issubclass(kind, CustomDataset) and kind.__module__.startswith('mmseg.')
)


def write_pair(folder: Path, kind: type[CustomDataset], label: np.ndarray, name: str = 's/0') -> None:
    """A grey picture and its label map."""
    picture = folder / 'images' / f'{name}{kind.IMG_SUFFIX}'
    picture.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(picture), np.full((*SHAPE, 3), 90, np.uint8))
    write_label_png(folder / 'labels' / f'{name}{kind.SEG_MAP_SUFFIX}', label)


def write_statistics(folder: Path, label: np.ndarray, name: str) -> None:
    """The statistics of one label map as it is, written on Windows."""
    counts = {str(i): int(n) for i, n in zip(*np.unique(label, return_counts=True), strict=True)}
    file = f'D:\\own\\labels\\s\\{name}'
    (folder / 'sample_class_stats.json').write_text(json.dumps([{**counts, 'file': file}]))
    (folder / 'samples_with_class.json').write_text(json.dumps({i: [[file, n]] for i, n in counts.items()}))


def config(folder: Path, kind: str, **options: Any) -> dict[str, Any]:
    pipeline = {'type': 'TrainPipeline', 'img_scale': SHAPE[::-1], 'crop_size': (12, 16), 'flip_prob': 0.0}
    return {
        'type': kind,
        'data_root': str(folder),
        'img_dir': 'images',
        'ann_dir': 'labels',
        'pipeline': pipeline,
        **options,
    }


OPTIONS: dict[str, tuple[dict[str, Any], list[int]]] = {
    'as it is': ({}, [0, 1, 2, 3, 255]),
    'reduced': ({'reduce_zero_label': True}, [255, 0, 1, 2, 255]),
    'ignored id': ({'ignore_index': 2}, [0, 1, 255, 3, 255]),
    'reduced, then ignored': ({'reduce_zero_label': True, 'ignore_index': 0}, [255, 255, 1, 2, 255]),
    'merged': ({'class_merge': {'merge': {3: 1}, 'classes': [0, 1, 2]}}, [0, 1, 2, 1, 255]),
}


@pytest.mark.parametrize('options', OPTIONS)
@pytest.mark.parametrize('kind', SINGLE)
def test_all_uses_see_the_same_ids(kind: str, options: str, tmp_path: Path) -> None:
    given_options, becomes = OPTIONS[options]
    data_set = DATASETS.get(kind)
    label = np.array([0, 1, 2, 3, IGNORED], np.uint8)[np.arange(SHAPE[1]) % 5][None].repeat(SHAPE[0], 0)
    expected = np.array([*becomes[:4], *[IGNORED] * 252], np.uint8)[label]
    write_pair(tmp_path, data_set, label)
    write_statistics(tmp_path, label, f'0{data_set.SEG_MAP_SUFFIX}')
    own = {'classes': NAMES} if data_set.CLASSES is None else {}
    cfg = config(tmp_path, kind, **own, **given_options)
    dataset = build_dataset(cfg)
    trained = label_of(dataset.sample(0, rng_for(0, 0)))
    np.testing.assert_array_equal(dataset.get_gt_seg_map(0), expected)
    np.testing.assert_array_equal(trained[: SHAPE[0], : SHAPE[1]], expected)
    assert (trained[SHAPE[0] :] == IGNORED).all(), 'padding does not count'
    occurring = sorted(set(becomes) - {IGNORED})
    assert np.flatnonzero(stored_use(dataset).pixels).tolist() == occurring
    rare = {'min_pixels': 1, 'class_temp': 0.5, 'min_crop_ratio': 0.5}
    pair = build_dataset({'type': 'UDADataset', 'source': cfg, 'target': cfg, 'rare_class_sampling': rare})
    assert sorted(pair.rare_classes.classes) == occurring
    assert set(np.unique(pair.draw(0, 0)['gt_semantic_seg'])) - {IGNORED} <= set(occurring)


def test_a_subset_of_classes_is_sampled_by_its_own_ids(tmp_path: Path) -> None:
    kind = DATASETS.get('GTADataset')
    label = np.array([0, 11, 13, 18], np.uint8)[np.arange(SHAPE[1]) % 4][None].repeat(SHAPE[0], 0)
    write_pair(tmp_path, kind, label)
    write_statistics(tmp_path, label, '0_labelTrainIds.png')
    cfg = config(tmp_path, 'GTADataset', classes=['bicycle', 'person', 'car'])
    rare = {'min_pixels': 1, 'class_temp': 0.5, 'min_crop_ratio': 0.5}
    pair = build_dataset({'type': 'UDADataset', 'source': cfg, 'target': cfg, 'rare_class_sampling': rare})
    assert sorted(pair.rare_classes.classes) == [0, 1, 2]


def test_two_switches_that_differ_are_refused(tmp_path: Path) -> None:
    write_pair(tmp_path, CustomDataset, np.ones(SHAPE, np.uint8))
    steps = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations', 'reduce_zero_label': True}]
    cfg = config(tmp_path, 'CustomDataset', classes=NAMES, pipeline=steps)
    with pytest.raises(ConfigError, match='reduce_zero_label is False for the data set'):
        build_dataset(cfg)
    dataset = build_dataset({**cfg, 'reduce_zero_label': True})
    np.testing.assert_array_equal(dataset.load(0)['gt_semantic_seg'], dataset.get_gt_seg_map(0))
    assert dataset.get_gt_seg_map(0).max() == 0, 'reduced once, not twice'


def test_ids_that_are_no_class_name_the_options_of_own_data(tmp_path: Path) -> None:
    write_pair(tmp_path, CustomDataset, np.full(SHAPE, 4, np.uint8))
    dataset = build_dataset(config(tmp_path, 'CustomDataset', classes=NAMES))
    with pytest.raises(DataError, match='reduce_zero_label=True') as error:
        dataset.get_gt_seg_map(0)
    assert 'convert_datasets' not in str(error.value)


@given(
    st.booleans(),
    st.none() | st.lists(st.integers(0, 254), min_size=1, max_size=9, unique=True),
    st.integers(0, 255),
)
def test_what_is_ignored_stays_ignored(reduce: bool, chosen: list[int] | None, ignore: int) -> None:
    table = label_table(reduce, chosen, None, ignore)
    table = np.arange(256) if table is None else table
    assert table[IGNORED] == IGNORED
    assert ignore == IGNORED or ignore not in table
    assert chosen is None or set(table) <= {*range(len(chosen)), IGNORED}
