"""Loading steps and their checks."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mmseg.datasets.random import rng_for
from mmseg.datasets.transforms.reading import LoadAnnotations, LoadImageFromFile, apply_table, check_ids
from mmseg.errors import DataError
from mmseg.fileio import write_label_png


def load(folder: Path, label: np.ndarray, **facts: Any) -> dict[str, Any]:
    """A black 6x4 picture and the label map through both steps."""
    cv2.imwrite(str(folder / 'a.png'), np.zeros((4, 6, 3), np.uint8))
    write_label_png(folder / 'a_label.png', label)
    results = {
        'img_info': {'filename': 'a.png'},
        'ann_info': {'seg_map': 'a_label.png'},
        'img_prefix': str(folder),
        'seg_prefix': str(folder),
        'seg_fields': [],
        **facts,
    }
    rng = rng_for(0, 0)
    return LoadAnnotations()(LoadImageFromFile()(results, rng), rng)


def test_facts_about_the_picture(tmp_path: Path) -> None:
    got = load(tmp_path, np.full((4, 6), 18), valid_ids=19)
    assert got['filename'] == str(tmp_path / 'a.png')
    assert got['ori_filename'] == 'a.png'
    assert got['img_shape'] == got['ori_shape'] == got['pad_shape'] == (4, 6, 3)
    assert got['scale_factor'] == 1.0
    assert got['seg_fields'] == ['gt_semantic_seg']


def test_another_size_names_both_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='5x4') as error:
        load(tmp_path, np.zeros((4, 5)))
    assert 'a.png is 6x4' in str(error.value)
    assert 'a_label.png' in str(error.value)


def test_id_outside_the_table_is_named(tmp_path: Path) -> None:
    label = np.zeros((4, 6))
    label[0, :3] = 33, 254, 255
    with pytest.raises(DataError, match=r'a_label.png: found label ids \[33, 254\]'):
        load(tmp_path, label, valid_ids=19)


def test_missing_label_tells_how_to_make_it(tmp_path: Path) -> None:
    results = {
        'ann_info': {'seg_map': 'no.png'},
        'seg_prefix': str(tmp_path),
        'remedy': 'Run the conversion.',
    }
    with pytest.raises(DataError, match=r'no such label map\. Run the conversion\.'):
        LoadAnnotations()(results, rng_for(0, 0))


def test_ids_are_classes_or_ignored() -> None:
    check_ids(np.array([[0, 18, 255]], np.uint8), 19, 'a.png')
    with pytest.raises(
        DataError, match=r'a\.png: found label ids \[19\].*0\.\.18 or 255 \(ignored\)\. Do it\.'
    ):
        check_ids(np.array([[0, 19]], np.uint8), 19, 'a.png', 'Do it.')


def test_table_and_dropped_zero() -> None:
    label = np.array([[0, 1, 2, 255]], np.uint8)
    table = np.arange(256, dtype=np.uint8)
    table[1] = 2
    np.testing.assert_array_equal(apply_table(label, table), [[0, 2, 2, 255]])
    np.testing.assert_array_equal(apply_table(label, None, reduce_zero_label=True), [[255, 0, 1, 255]])
    np.testing.assert_array_equal(label, [[0, 1, 2, 255]])
