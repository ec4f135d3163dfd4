"""ProcStreet and CamVid."""

import numpy as np
import pytest

from mmseg.datasets import CamVid960Dataset, CamVidDataset, Carla800Dataset, ProcStreetDataset
from mmseg.datasets.presets import expand_pipeline
from mmseg.errors import DataError
from tests.shared import shared_path

MERGE = {
    'merge': {3: 2, 6: 7, 9: 8, 12: 18, 14: 13, 15: 13, 16: 13, 17: 18},
    'classes': [0, 1, 2, 4, 5, 7, 8, 10, 11, 13, 18],
}
PIPELINE = expand_pipeline({'type': 'TrainPipeline', 'img_scale': (480, 360), 'crop_size': (64, 96)})


def test_missing_pictures_name_the_preparation(tmp_path):
    with pytest.raises(DataError, match=r'python tools/prepare_procstreet2camvid\.py'):
        CamVidDataset(PIPELINE, 'leftImg8bit/val', data_root=str(tmp_path))


def test_camvid_as_counted_in_its_description():
    root = str(shared_path('data/camvid'))
    dataset = CamVidDataset(
        PIPELINE, 'leftImg8bit/val', ann_dir='gtFine/val', data_root=root, class_merge=MERGE
    )
    assert len(dataset) == 250
    assert set(np.unique(dataset.get_gt_seg_map(0))) <= {*MERGE['classes'], 255}


def test_procstreet_labels_are_merged_on_load():
    root = str(shared_path('data/procstreet'))
    dataset = ProcStreetDataset(PIPELINE, 'images', ann_dir='labels', data_root=root, class_merge=MERGE)
    assert len(dataset) == 400
    assert set(np.unique(dataset.get_gt_seg_map(3))) <= set(MERGE['classes'])


def test_sets_of_higher_resolution_as_counted_in_their_descriptions():
    camvid = CamVid960Dataset(
        PIPELINE, 'leftImg8bit/val', ann_dir='gtFine/val', data_root=str(shared_path('data/camvid960'))
    )
    assert len(camvid) == 175
    carla = Carla800Dataset(PIPELINE, 'images', ann_dir='labels', data_root=str(shared_path('data/carla800')))
    assert len(carla) == 299
    assert camvid.get_gt_seg_map(0).shape == camvid.FULL_SIZE
    assert carla.get_gt_seg_map(0).shape == (500, 800)
