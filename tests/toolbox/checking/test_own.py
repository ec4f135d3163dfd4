"""What a look at a data set of one's own finds."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mmseg.datasets import CustomDataset
from mmseg.fileio import write_label_png
from mmseg.toolbox.checking.own import check_dataset

NAMES = ['background', 'foreground']


def write(folder: Path, labels: list[np.ndarray], picture: np.ndarray | None = None) -> None:
    rng = np.random.default_rng(0)
    for number, label in enumerate(labels):
        shown = rng.integers(0, 256, (*label.shape, 3), dtype=np.uint8) if picture is None else picture
        (folder / 'images').mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f'images/{number}.png'), shown)
        write_label_png(folder / f'labels/{number}.png', label)


def findings(folder: Path, labelled: bool = True, **options: Any) -> dict[str, bool]:
    values = {'classes': NAMES, 'img_suffix': '.png', **options}
    dataset = CustomDataset([], 'images', ann_dir='labels', data_root=str(folder), test_mode=True, **values)
    report = check_dataset(dataset, 'train', labelled=labelled)
    return {finding.text: finding.wrong for finding in report.findings}


def mask(value: int) -> np.ndarray:
    label = np.zeros((16, 20), np.uint8)
    label[4:9] = value
    return label


def test_nothing_to_say(tmp_path: Path) -> None:
    write(tmp_path, [mask(1), mask(1)])
    assert findings(tmp_path) == {}


def test_masks_of_0_and_255(tmp_path: Path) -> None:
    write(tmp_path, [mask(255)])
    ((text, wrong),) = findings(tmp_path).items()
    assert not wrong
    assert 'no pixel of foreground in 1 label maps' in text
    assert '255: 31.2 %' in text
    assert 'need 1 instead of 255' in text


def test_labels_that_teach_nothing(tmp_path: Path) -> None:
    write(tmp_path, [np.full((16, 20), 255, np.uint8)])
    ((text, wrong),) = findings(tmp_path).items()
    assert wrong
    assert 'no pixel of any class' in text
    write(tmp_path, [mask(0)])
    assert any('no pixel of any class' in text for text in findings(tmp_path, ignore_index=0))


def test_ids_sizes_and_missing_files(tmp_path: Path) -> None:
    write(tmp_path, [mask(1), mask(7), mask(1), mask(1)])
    write_label_png(tmp_path / 'labels/2.png', np.ones((3, 4), np.uint8))
    (tmp_path / 'labels/3.png').unlink()
    found = findings(tmp_path)
    assert all(found.values())
    text = ' '.join(found)
    assert 'labels/1.png: found label ids [7]' in text
    assert 'labels/2.png: 3 x 4 pixels (height x width), but its picture has 16 x 20' in text
    assert 'label maps that are missing: 1' in text


@pytest.mark.parametrize(
    ('picture', 'text', 'wrong'),
    [
        (np.full((16, 20, 3), 7, np.uint8), 'one colour only: 1 (0.png)', False),
        (np.zeros((3, 400, 3), np.uint8), 'an edge of fewer than 8 pixels: 1 (0.png)', True),
    ],
)
def test_pictures(tmp_path: Path, picture: np.ndarray, text: str, wrong: bool) -> None:
    write(tmp_path, [mask(1)], picture)
    assert any(
        text in found and value == wrong for found, value in findings(tmp_path, labelled=False).items()
    )
