"""Scores of single pictures and the worst of a class."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from mmseg.engine.evaluate import PredictedPicture
from mmseg.toolbox.testing.picture_counts import PictureCounts, scored_confusion, worst_pictures
from mmseg.toolbox.testing.writers import Writers

FILES = SimpleNamespace(picture_file=lambda index: Path('pictures', f'{index}.png'))


def prediction(index: int, label_map: Any, truth: Any) -> PredictedPicture:
    return PredictedPicture(
        index, np.array([label_map]), {}, torch.zeros(3, 1, 4), np.array([truth], np.uint8)
    )


def counted(scored: Any = lambda matrix: matrix) -> PictureCounts:
    """Four pictures of three classes: half of class 0 is right; all right; class 1 missed twice, a little and more."""
    counts = PictureCounts(4, 3, scored)
    pictures = [
        ([0, 0, 1, 1], [0, 0, 0, 0]),
        ([0, 0, 0, 1], [0, 0, 0, 1]),
        ([0, 0, 0, 0], [0, 0, 0, 1]),
        ([0, 0, 0, 0], [0, 0, 1, 255]),
    ]
    with Writers([counts]) as writers:
        for index, (label_map, truth) in reversed(list(enumerate(pictures))):
            writers.add(prediction(index, label_map, truth))
    return counts


def test_counts_do_not_depend_on_the_order_and_add_up() -> None:
    counts = counted().total(torch.device('cpu'))
    assert counts[0].tolist() == [[2, 0, 0], [4, 0, 0], [2, 2, 0]]
    assert counts[3].tolist() == [[2, 0, 0], [2, 1, 0], [3, 0, 0]]
    assert counts[:, 1].sum(0).tolist() == [12, 3, 0]


def test_the_worst_come_first_and_only_where_the_class_is() -> None:
    worst = worst_pictures(counted().counts, ['road', 'sky', 'train'], FILES)
    assert list(worst) == ['road', 'sky']  # no picture shows a train
    assert worst['road'][0] == (0, '0.png', 50.0)
    assert [one.number for one in worst['sky']] == [2, 3, 1]  # picture 0 has no sky
    assert [one.iou for one in worst['sky']] == [0.0, 0.0, 100.0]


def test_more_wrong_pixels_are_worse_at_the_same_score() -> None:
    counts = np.array([[[0], [1], [0]], [[0], [9], [0]], [[0], [1], [5]]])
    worst = worst_pictures(counts, ['sky'], FILES, kept=2)
    assert [one.number for one in worst['sky']] == [1, 2]


def test_merged_classes_are_counted_after_merging() -> None:
    merge = SimpleNamespace(classes=(0, 2), table=lambda: np.array([0, 2, 2, *range(3, 256)], np.uint8))
    dataset = SimpleNamespace(class_merge=merge)
    counts = counted(lambda matrix: scored_confusion(matrix, dataset)).counts
    assert counts.shape == (4, 3, 2)
    assert counts[0, 2].tolist() == [2, 2]


@pytest.mark.parametrize('classes', [2, 5])
def test_nothing_is_merged_without_a_table(classes: int) -> None:
    matrix = np.arange(classes**2).reshape(classes, classes)
    assert (scored_confusion(matrix, SimpleNamespace(class_merge=None)) == matrix).all()
