"""Predictions as files and the official evaluation."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.datasets import PALETTE
from mmseg.errors import DataError
from mmseg.evaluation.formatting import evaluate_official, label_id_palette, label_id_table, write_prediction
from mmseg.fileio import read_label, write_label_png


def test_official_ids_and_colours() -> None:
    table, palette = label_id_table(), label_id_palette()
    assert table[[0, 11, 18]].tolist() == [7, 24, 33]
    for train_id, colour in enumerate(PALETTE):
        assert tuple(palette[table[train_id]]) == colour


@pytest.mark.parametrize(('to_label_id', 'expected'), [(True, [[7, 24]]), (False, [[0, 11]])])
def test_file_holds_ids_and_colours(tmp_path: Path, to_label_id: bool, expected: list[list[int]]) -> None:
    path = write_prediction(
        np.array([[0, 11]]), 'val/a/b_leftImg8bit.png', tmp_path / 'new', to_label_id, PALETTE
    )
    assert path.name == 'b_leftImg8bit.png'
    np.testing.assert_array_equal(read_label(path), expected)
    with Image.open(path) as image:
        assert image.mode == 'P'
        assert image.convert('RGB').getpixel((1, 0)) == PALETTE[11]


def test_official_evaluation_agrees(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 19, (16, 32))
    truth = tmp_path / 'gtFine/val/aachen/aachen_000000_000019_gtFine_labelIds.png'
    write_label_png(truth, label_id_table()[label])
    instances = truth.with_name(truth.name.replace('labelIds', 'instanceIds'))
    things = np.where(label >= 11, label_id_table()[label].astype(np.uint16) * 1000 + 1, 0)
    cv2.imwrite(str(instances), things.astype(np.uint16))
    write_prediction(label, 'aachen_000000_000019_leftImg8bit.png', tmp_path / 'out', True, PALETTE)
    got = evaluate_official(tmp_path / 'out', tmp_path / 'gtFine/val', '_leftImg8bit')
    assert got['averageScoreClasses'] == pytest.approx(1.0)


def test_official_evaluation_needs_truth_and_predictions(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='gtFine_labelIds'):
        evaluate_official(tmp_path, tmp_path, '_leftImg8bit')
    write_label_png(tmp_path / 'a_gtFine_labelIds.png', np.zeros((2, 2)))
    with pytest.raises(DataError, match='1 of 1 predictions are missing, for instance a_leftImg8bit'):
        evaluate_official(tmp_path / 'out', tmp_path, '_leftImg8bit')
