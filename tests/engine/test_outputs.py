"""Files of predictions."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmseg.datasets.classes import PALETTE
from mmseg.engine.evaluate import Prediction
from mmseg.engine.outputs import ColourPictures, ResultFile, write_picture
from mmseg.errors import TrainingError

LABEL = np.array([[0, 1], [2, 13]], np.int64)


def prediction(folder: Path, name: str) -> Prediction:
    cv2.imwrite(str(folder / 'source.png'), np.full((2, 2, 3), 100, np.uint8))
    meta = {'filename': str(folder / 'source.png'), 'ori_filename': name}
    return Prediction(0, LABEL, meta, torch.zeros(3, 2, 2))


@pytest.mark.parametrize(('name', 'written'), [('a/x.png', 'a/x.png'), ('x.jpg', 'x.png')])
def test_pure_colours(name: str, written: str, tmp_path: Path) -> None:
    output = ColourPictures(tmp_path / 'show', PALETTE, 1.0)
    output.add(prediction(tmp_path, name))
    output.finish()
    picture = cv2.imread(str(tmp_path / 'show' / written))[..., ::-1]
    assert np.array_equal(picture, np.array(PALETTE, np.uint8)[LABEL])


def test_blended(tmp_path: Path) -> None:
    ColourPictures(tmp_path, PALETTE, 0.5).add(prediction(tmp_path, 'x.png'))
    picture = cv2.imread(str(tmp_path / 'x.png'))[..., ::-1].astype(int)
    expected = (np.array(PALETTE)[LABEL] + 100) / 2
    assert np.abs(picture - expected).max() <= 0.5


def test_result_file(tmp_path: Path) -> None:
    output = ResultFile(tmp_path / 'x.pkl')
    output.add(prediction(tmp_path, 'x.png'))
    output.finish()
    (label,) = pickle.loads((tmp_path / 'x.pkl').read_bytes())  # noqa: S301  # written above
    assert label.dtype == np.int64
    assert np.array_equal(label, LABEL)


def test_unknown_format(tmp_path: Path) -> None:
    with pytest.raises((TrainingError, cv2.error)):
        write_picture(tmp_path / 'x.abc', np.zeros((2, 2, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []
