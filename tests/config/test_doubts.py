"""What may be meant, but hardly is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmseg.config import load_config
from mmseg.config.doubts import doubts
from mmseg.uda.instance_bank.files import write_bank

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def data(crop: int = 64, scale: tuple[int, int] = (128, 96), **options: Any) -> dict[str, Any]:
    pipeline = {'type': 'TrainPipeline', 'img_scale': scale, 'crop_size': (crop, crop), **options}
    return {'type': 'CustomDataset', 'img_dir': 'images', 'classes': ['a', 'b'], 'pipeline': pipeline}


def pair(**options: Any) -> dict[str, Any]:
    return {'train': {'type': 'UDADataset', 'source': data(), 'target': [data()], **options}}


def test_rows_without_pseudo_labels_that_cover_the_crop() -> None:
    uda = {'pseudo_weight_ignore_top': 15, 'pseudo_weight_ignore_bottom': 120}
    (doubt,) = doubts({'uda': uda, 'data': pair()})
    assert 'cover all 64 rows' in doubt
    assert doubts({'uda': {**uda, 'pseudo_weight_ignore_bottom': 48}, 'data': pair()}) == []
    assert doubts({}) == []


def test_crops_of_padding() -> None:
    (doubt,) = doubts({'data': {'train': data(crop=512), 'val': data(crop=512)}})
    assert 'resized into 128 x 96 pixels (width x height)' in doubt
    assert 'crops of 512 x 512' in doubt
    assert doubts({'data': {'train': data(crop=120)}}) == [], 'some padding is usual'
    assert doubts({'data': {'train': data(crop=512, ratio_range=(4, 8))}}) == []


@pytest.mark.parametrize(
    ('pixels', 'ratio', 'vain'), [(3000, 0.5, False), (3000, 2.0, True), (9000, 0.5, True)]
)
def test_rare_classes_that_fill_more_than_a_crop(pixels: int, ratio: float, vain: bool) -> None:
    rare = {'min_pixels': pixels, 'class_temp': 0.01, 'min_crop_ratio': ratio}
    found = doubts({'data': pair(rare_class_sampling=rare)})
    assert [doubt.partition(':')[0] for doubt in found] == ['data.train.rare_class_sampling'] * vain


def test_bank_file_without_rows_of_a_class(tmp_path: Path) -> None:
    values = {
        'uda': {'instance_bank': {'bank_file': str(tmp_path)}},
        'model': {'decode_head': {'num_classes': 3}},
    }
    assert doubts(values) == []
    write_bank(tmp_path, np.ones((4, 2), np.float32), np.array([0, 2, 2, 0]))
    (doubt,) = doubts(values)
    assert 'has no rows of class 1, ' in doubt
    (tmp_path / 'f_buffer_s.npz').write_bytes(b'damaged')
    assert doubts(values) == []


@pytest.mark.parametrize('path', sorted(CONFIGS.glob('[!_]*/*.py')), ids=lambda path: path.stem)
def test_shipped_configurations_leave_no_doubt(path: Path) -> None:
    assert doubts(load_config(path, check=False).to_dict()) == []
