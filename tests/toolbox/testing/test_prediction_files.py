"""Predictions as files and the official evaluation."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from cityscapesscripts.helpers import labels as official
from PIL import Image

from mmseg.datasets import CLASSES, PALETTE
from mmseg.errors import DataError
from mmseg.evaluation import confusion, scores
from mmseg.fileio import read_label, write_label_png
from mmseg.toolbox.testing.prediction_files import (
    evaluate_official,
    label_id_palette,
    label_id_table,
    write_prediction,
)


def test_official_ids_and_colours() -> None:
    table, palette = label_id_table(), label_id_palette()
    assert table[[0, 11, 18]].tolist() == [7, 24, 33]
    for train_id, colour in enumerate(PALETTE):
        assert tuple(palette[table[train_id]]) == colour


@pytest.mark.parametrize(('to_label_id', 'expected'), [(True, [[7, 24]]), (False, [[0, 11]])])
def test_file_holds_ids_and_colours(tmp_path: Path, to_label_id: bool, expected: list[list[int]]) -> None:
    path = tmp_path / 'new/a.png'
    write_prediction(np.array([[0, 11]]), path, to_label_id, PALETTE)
    np.testing.assert_array_equal(read_label(path), expected)
    with Image.open(path) as image:
        assert image.mode == 'P'
        assert image.convert('RGB').getpixel((1, 0)) == PALETTE[11]


def write_truth(folder: Path, name: str, label_ids: np.ndarray) -> None:
    """Label ids and, as the official evaluation wants them too, one instance per class of things."""
    write_label_png(folder / f'{name}_gtFine_labelIds.png', label_ids)
    wide = label_ids.astype(np.uint16)
    things = np.where(wide >= 24, wide * 1000, wide)
    cv2.imwrite(str(folder / f'{name}_gtFine_instanceIds.png'), things)


@pytest.mark.parametrize('absent', [(), (9, 14, 16)], ids=['all classes', '16 classes'])
def test_official_evaluation_agrees(tmp_path: Path, absent: tuple[int, ...]) -> None:
    """Also about pixels of ids that are not scored (void, parking, trailer, ...) and about absent classes."""
    rng = np.random.default_rng(len(absent))
    to_train_id = np.full(256, 255, np.uint8)
    for label_id, label in official.id2label.items():
        if label_id >= 0:
            to_train_id[label_id] = label.trainId
    present = np.setdiff1d(np.arange(34), label_id_table()[list(absent)])
    matrix = np.zeros((19, 19), np.int64)
    for name in ('aachen_000000_000019', 'bonn_000001_000019', 'bonn_000002_000019'):
        label_ids = rng.choice(present, (24, 32)).astype(np.uint8)
        truth = to_train_id[label_ids]
        guessed = rng.choice(np.setdiff1d(np.arange(19), absent), truth.shape)
        pred = np.where((rng.random(truth.shape) < 0.6) & (truth < 19), truth, guessed)
        write_truth(tmp_path / 'gtFine/val' / name.partition('_')[0], name, label_ids)
        write_prediction(pred, tmp_path / f'out/{Path(name).name}_leftImg8bit.png', True, PALETTE)
        matrix += confusion(pred, truth, 19)
    got = evaluate_official(tmp_path / 'out', tmp_path / 'gtFine/val', '_leftImg8bit')
    ours = scores(matrix)['IoU']
    theirs = [got[f'classScores.{name}'] for name in CLASSES]
    np.testing.assert_allclose(theirs, ours, rtol=1e-12)
    assert np.isnan(ours).sum() == len(absent)
    assert got['averageScoreClasses'] == pytest.approx(np.nanmean(ours), rel=1e-12)


def test_official_evaluation_needs_truth_and_predictions(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='gtFine_labelIds'):
        evaluate_official(tmp_path, tmp_path, '_leftImg8bit')
    write_label_png(tmp_path / 'a_gtFine_labelIds.png', np.zeros((2, 2)))
    with pytest.raises(DataError, match='1 of 1 predictions are missing, for instance a_leftImg8bit'):
        evaluate_official(tmp_path / 'out', tmp_path, '_leftImg8bit')
