"""File names and classes of the published data sets."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mmseg.datasets import CLASSES, PALETTE, build_dataset
from mmseg.errors import DataError
from mmseg.fileio import write_label_png

NAMES = [
    ('GTADataset', '00001.png', '00001_labelTrainIds.png', None),
    ('SynthiaDataset', '0000001.png', '0000001_labelTrainIds.png', None),
    (
        'CityscapesDataset',
        'ulm/ulm_0_1_leftImg8bit.png',
        'ulm/ulm_0_1_gtFine_labelTrainIds.png',
        (1024, 2048),
    ),
    ('ACDCDataset', 'a_rgb_anon.png', 'a_gt_labelTrainIds.png', (1080, 1920)),
    ('DarkZurichDataset', 'night/b_rgb_anon.png', 'night/b_gt_labelTrainIds.png', (1080, 1920)),
]


def cfg(root: Path, kind: str) -> dict[str, Any]:
    pipeline = {'type': 'TrainPipeline', 'img_scale': (8, 4), 'crop_size': (4, 8)}
    return {'type': kind, 'data_root': str(root), 'img_dir': 'i', 'ann_dir': 'l', 'pipeline': pipeline}


@pytest.mark.parametrize(('kind', 'image', 'label', 'full_size'), NAMES)
def test_names_and_classes(
    tmp_path: Path, kind: str, image: str, label: str, full_size: tuple[int, int]
) -> None:
    (tmp_path / 'i' / image).parent.mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'i' / image), np.zeros((4, 8, 3), np.uint8))
    write_label_png(tmp_path / 'l' / label, np.zeros((4, 8)))
    dataset = build_dataset(cfg(tmp_path, kind))
    assert dataset.img_infos == [{'filename': image, 'ann': {'seg_map': label}}]
    assert (dataset.CLASSES, dataset.PALETTE) == (CLASSES, PALETTE)
    assert full_size == dataset.FULL_SIZE
    assert dataset.draw(0, seed=0)['gt_semantic_seg'].shape == (1, 4, 8)


@pytest.mark.parametrize('kind', [row[0] for row in NAMES])
def test_missing_data_tells_what_to_do(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DataError) as error:
        build_dataset(cfg(tmp_path / 'none', kind))
    message = str(error.value)
    assert str(tmp_path / 'none/i') in message
    assert '{' not in message
    assert message.count(str(tmp_path)) >= 2


def test_scenes_drawn_here_can_be_paired(tiny_data: Path) -> None:
    pipeline = {'type': 'TrainPipeline', 'img_scale': (128, 64), 'crop_size': (32, 48)}
    target = {
        'type': 'CityscapesDataset',
        'data_root': str(tiny_data / 'cityscapes'),
        'img_dir': 'leftImg8bit/train',
        'ann_dir': 'gtFine/train',
        'pipeline': pipeline,
    }
    for kind, folder, img_dir, ann_dir in (
        ('GTADataset', 'gta', 'images', 'labels'),
        ('SynthiaDataset', 'synthia', 'RGB', 'GT/LABELS'),
    ):
        source = {
            'type': kind,
            'data_root': str(tiny_data / folder),
            'img_dir': img_dir,
            'ann_dir': ann_dir,
            'pipeline': {**pipeline, 'cat_max_ratio': 0.75},
        }
        rare = {'min_pixels': 1, 'class_temp': 0.01, 'min_crop_ratio': 0.5}
        pair = build_dataset(
            {'type': 'UDADataset', 'source': source, 'target': target, 'rare_class_sampling': rare}
        )
        assert pair.draw(0, seed=0)['gt_semantic_seg'].shape == (1, 32, 48)
