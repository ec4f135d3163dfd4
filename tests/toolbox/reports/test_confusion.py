"""Confusion matrices as files."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg.errors import UsageError
from mmseg.toolbox.reports.confusion import confusion_table, largest_confusions, write_confusion

MATRIX = np.array([[2**40, 1], [0, 3]])


def test_table_of_counts(tmp_path: Path) -> None:
    write_confusion(tmp_path / 'x.csv', MATRIX, ['road', 'sky'])
    with (tmp_path / 'x.csv').open(newline='') as file:
        assert list(csv.reader(file))[1:] == [['road', str(2**40), '1'], ['sky', '0', '3']]


def test_chart(tmp_path: Path) -> None:
    write_confusion(tmp_path / 'x.png', MATRIX, ['road', 'sky'], 'student')
    with Image.open(tmp_path / 'x.png') as picture:
        assert min(picture.size) > 100


def test_other_endings(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'x\.xls.*\.csv'):
        write_confusion(tmp_path / 'x.xls', MATRIX, ['road', 'sky'])
    assert not list(tmp_path.iterdir())


def test_largest_confusions_are_shares_of_the_true_class() -> None:
    matrix = np.array([[90, 10, 0], [3, 1, 0], [0, 0, 0]])
    found = largest_confusions(matrix, ['road', 'sky', 'car'], 5)
    assert found == [('sky', 'road', 75.0, 3), ('road', 'sky', 10.0, 10)]
    assert largest_confusions(matrix, ['road', 'sky', 'car'], 1) == found[:1]
    assert '| sky  | road      |          75.0 |      3 |' in confusion_table(found)
