"""A hand-made source and target folder for the tests of the data side."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mmseg.fileio import write_label_png

HEIGHT, WIDTH = 24, 40
CROP = (16, 20)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """``source/`` (GTA layout, 4 pictures, statistics) and ``target/`` (Cityscapes layout, 3 pictures), 40x24 px.

    Source picture n has class 0 everywhere except class n + 1 in its right half; class 4 only in picture 3.
    """
    rng = np.random.default_rng(0)
    stats, samples = [], {}
    for n in range(4):
        label = np.zeros((HEIGHT, WIDTH), np.uint8)
        label[:, WIDTH // 2 :] = n + 1
        name = f'{n:05}_labelTrainIds.png'
        write_picture(tmp_path / f'source/images/{n:05}.png', rng)
        write_label_png(tmp_path / 'source/labels' / name, label)
        half = label.size // 2
        stats.append({'0': half, str(n + 1): half, 'file': f'source/labels/{name}'})
        for class_id in ('0', str(n + 1)):
            samples.setdefault(class_id, []).append([f'source/labels/{name}', half])
    (tmp_path / 'source/sample_class_stats.json').write_text(json.dumps(stats))
    (tmp_path / 'source/samples_with_class.json').write_text(json.dumps(samples))
    for city, n in (('aachen', 0), ('aachen', 1), ('bochum', 0)):
        stem = f'{city}/{city}_00000{n}_000019'
        write_picture(tmp_path / f'target/leftImg8bit/train/{stem}_leftImg8bit.png', rng)
        write_label_png(
            tmp_path / f'target/gtFine/train/{stem}_gtFine_labelTrainIds.png',
            rng.integers(0, 19, (HEIGHT, WIDTH)),
        )
    return tmp_path


def write_picture(path: Path, rng: np.random.Generator) -> None:
    """A random 40x24 picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))


def source_cfg(folders: Path, **changes: Any) -> dict[str, Any]:
    """The labelled data set, published pipeline."""
    return {
        'type': 'GTADataset',
        'data_root': str(folders / 'source'),
        'img_dir': 'images',
        'ann_dir': 'labels',
        'pipeline': train_pipeline(cat_max_ratio=0.75),
        **changes,
    }


def target_cfg(folders: Path, **changes: Any) -> dict[str, Any]:
    """The target data set, published pipeline."""
    return {
        'type': 'CityscapesDataset',
        'data_root': str(folders / 'target'),
        'img_dir': 'leftImg8bit/train',
        'ann_dir': 'gtFine/train',
        'pipeline': train_pipeline(),
        **changes,
    }


def val_cfg(folders: Path, **changes: Any) -> dict[str, Any]:
    """The target data set for testing."""
    pipeline = {'type': 'TestPipeline', 'img_scale': (WIDTH, HEIGHT)}
    return target_cfg(folders, pipeline=pipeline, test_mode=True, **changes)


def uda_cfg(folders: Path, **changes: Any) -> dict[str, Any]:
    """The pair."""
    return {'type': 'UDADataset', 'source': source_cfg(folders), 'target': target_cfg(folders), **changes}


def train_pipeline(**changes: Any) -> dict[str, Any]:
    """Resize to the pictures' own size, crop to 16x20."""
    return {'type': 'TrainPipeline', 'img_scale': (WIDTH, HEIGHT), 'crop_size': CROP, **changes}
