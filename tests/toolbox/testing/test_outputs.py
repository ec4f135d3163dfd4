"""Files of predictions."""

import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from mmseg.datasets.classes import PALETTE
from mmseg.engine.evaluate import PredictedPicture
from mmseg.errors import TrainingError, UsageError
from mmseg.fileio import read_label
from mmseg.toolbox.testing.outputs import (
    ColourPictures,
    LabelPictures,
    ResultFile,
    check_places,
    write_picture,
)

LABEL = np.array([[0, 1], [2, 13]], np.int64)


def prediction(folder: Path, name: str) -> PredictedPicture:
    cv2.imwrite(str(folder / 'source.png'), np.full((2, 2, 3), 100, np.uint8))
    meta = {'filename': str(folder / 'source.png'), 'ori_filename': name}
    return PredictedPicture(0, LABEL, meta, torch.zeros(3, 2, 2))


@pytest.mark.parametrize(('name', 'written'), [('a/x.png', 'a/x.png'), ('x.jpg', 'x.png')])
def test_pure_colours(name: str, written: str, tmp_path: Path) -> None:
    output = ColourPictures(tmp_path / 'show', PALETTE, 1.0)
    output.add(prediction(tmp_path, name))
    picture = cv2.imread(str(tmp_path / 'show' / written))[..., ::-1]
    assert np.array_equal(picture, np.array(PALETTE, np.uint8)[LABEL])


def test_blended(tmp_path: Path) -> None:
    ColourPictures(tmp_path, PALETTE, 0.5).add(prediction(tmp_path, 'x.png'))
    picture = cv2.imread(str(tmp_path / 'x.png'))[..., ::-1].astype(int)
    expected = (np.array(PALETTE)[LABEL] + 100) / 2
    assert np.abs(picture - expected).max() <= 0.5


def test_result_file_in_order_whoever_predicted(tmp_path: Path) -> None:
    one, other = (ResultFile(tmp_path / 'x.pkl', tmp_path / 'parts') for _ in range(2))
    for output, index in ((one, 2), (other, 1), (one, 0)):
        output.add(replace(prediction(tmp_path, 'x.png'), index=index, label_map=LABEL + index))
    one.collect(3)
    one.close()
    label_maps = pickle.loads((tmp_path / 'x.pkl').read_bytes())  # noqa: S301  # written above
    assert [label.dtype for label in label_maps] == [np.int64] * 3
    assert all(np.array_equal(label, LABEL + index) for index, label in enumerate(label_maps))
    assert sorted(path.name for path in tmp_path.rglob('*')) == ['parts', 'source.png', 'x.pkl']


@pytest.mark.parametrize(
    ('files', 'names'),
    [
        (['bonn/a_leftImg8bit.png', 'ulm/b_leftImg8bit.jpg'], ['a_leftImg8bit.png', 'b_leftImg8bit.png']),
        (['day/0.jpg', 'night/0.jpg'], ['day/0.png', 'night/0.png']),
    ],
)
def test_archive_holds_the_pictures_of_the_data_set(
    tmp_path: Path, files: list[str], names: list[str]
) -> None:
    class Pictures:
        img_infos = tuple({'filename': name} for name in files)
        PALETTE = ((0, 0, 0), (255, 0, 0), (0, 255, 0))

    output = LabelPictures(tmp_path / 'ids', Pictures(), False, tmp_path / 'ids.zip')
    for index, name in enumerate(files):
        output.add(replace(prediction(tmp_path, name), index=index, label_map=LABEL * index))
    output.collect(2)
    with zipfile.ZipFile(tmp_path / 'ids.zip') as archive:
        assert archive.namelist() == names
        archive.extractall(tmp_path / 'zip')
    assert np.array_equal(read_label(tmp_path / 'zip' / names[0]), LABEL * 0)
    assert np.array_equal(read_label(tmp_path / 'zip' / names[1]), LABEL)


def test_unknown_format(tmp_path: Path) -> None:
    with pytest.raises((TrainingError, cv2.error)):
        write_picture(tmp_path / 'x.abc', np.zeros((2, 2, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def read_set(folder: Path, *names: str) -> Any:
    infos = [{'filename': name, 'ann': {'seg_map': str(Path(name).with_suffix('.png'))}} for name in names]
    part = SimpleNamespace(img_dir=str(folder / 'images'), ann_dir=str(folder / 'labels'), img_infos=infos)
    return SimpleNamespace(parts=lambda: [part], img_infos=infos)


def test_results_have_places_of_their_own(tmp_path: Path) -> None:
    check_places((tmp_path / 'show', None), tmp_path / 'ids', read_set(tmp_path, 'a/x.jpg', 'b/x.jpg'))
    check_places((tmp_path / 'images', None), None, read_set(tmp_path, 'x.jpg'))  # x.png beside x.jpg


def test_results_do_not_leave_their_folder(tmp_path: Path) -> None:
    (tmp_path / 'show').mkdir()
    (tmp_path / 'show' / 'a').symlink_to(tmp_path / 'elsewhere')
    for places in ((tmp_path / 'show',), None), ((), tmp_path / 'show'):
        with pytest.raises(UsageError, match='show/a: a link that leads out of the folder'):
            check_places(*places, read_set(tmp_path, 'a/x.jpg'))


@pytest.mark.parametrize(
    ('pictures', 'labels', 'text'),
    [
        ('images', None, 'images/x.png: is read as picture or label map'),
        (None, 'labels', 'labels/x.png: is read as picture or label map'),
        (None, 'link', 'labels/x.png: is read as picture or label map'),
        ('out', 'out', 'out/x.png: would be written twice'),
    ],
)
def test_results_overwrite_nothing(
    tmp_path: Path, pictures: str | None, labels: str | None, text: str
) -> None:
    (tmp_path / 'labels').mkdir()
    (tmp_path / 'link').symlink_to(tmp_path / 'labels')
    folders = [None if name is None else tmp_path / name for name in (pictures, labels)]
    with pytest.raises(UsageError, match=text):
        check_places((folders[0],), folders[1], read_set(tmp_path, 'x.png'))
