"""Which data set a folder is."""

import numpy as np
import pytest

from mmseg.errors import DataError, UsageError
from mmseg.fileio import write_label_png
from mmseg.toolbox.checking import layout_named, recognise


@pytest.mark.parametrize(
    ('picture', 'name'),
    [
        ('images/00001.png', 'GTA'),
        ('RGB/0000001.png', 'SYNTHIA'),
        ('leftImg8bit/val/aachen/a_leftImg8bit.png', 'Cityscapes'),
        ('leftImg8bit/train/0001TP/a_leftImg8bit.jpg', 'CamVid'),
        ('rgb_anon/train/a_rgb_anon.png', 'ACDC'),
        ('rgb_anon/train/night/GOPR0351/a_rgb_anon.png', 'DarkZurich'),
        ('validation/images/_1Gn_xkw7sa_i9GU4mkxxQ.jpg', 'Mapillary'),
    ],
)
def test_data_sets_are_recognised_by_their_pictures(tmp_path, picture, name):
    (tmp_path / picture).parent.mkdir(parents=True)
    (tmp_path / picture).touch()
    assert recognise(str(tmp_path)).name == name


@pytest.mark.parametrize('picture', ['images/a.jpg', 'images/00001.jpg', 'validation/images/IMG_1.jpg'])
def test_pictures_of_ones_own_are_not_taken_for_a_known_data_set(tmp_path, picture):
    (tmp_path / picture).parent.mkdir(parents=True)
    (tmp_path / picture).touch()
    with pytest.raises(DataError, match='for data of your own, name a configuration'):
        recognise(str(tmp_path))


@pytest.mark.parametrize(
    ('picture', 'ids', 'name'),
    [
        ('00001.png', [7, 23, 26, 33], 'GTA'),
        ('00001.png', [0, 1, 2], None),
        ('00001.png', [40], None),
        ('00001.png', range(25), None),
        ('area_1.png', [7, 26], None),
        ('flight/00001.png', [7, 26], None),
    ],
)
def test_gta_is_told_by_names_and_ids(tmp_path, picture, ids, name):
    (tmp_path / 'images' / picture).parent.mkdir(parents=True)
    (tmp_path / 'images' / picture).touch()
    write_label_png(tmp_path / 'labels' / picture, np.array([list(ids)], np.uint8))
    if name:
        assert recognise(str(tmp_path)).name == name
        return
    with pytest.raises(DataError, match='for data of your own'):
        recognise(str(tmp_path))


def test_other_folders_are_refused_with_what_is_expected(tmp_path):
    (tmp_path / 'images').mkdir()
    (tmp_path / 'images/.hidden.png').touch()
    with pytest.raises(DataError, match=r'in it: images\. Expected one of: GTA: images/\*\.png'):
        recognise(str(tmp_path))
    with pytest.raises(DataError, match='no such folder'):
        recognise(str(tmp_path / 'none'))


def test_acdc_as_downloaded_is_told_to_be_flattened(tmp_path):
    (tmp_path / 'rgb_anon/fog/train').mkdir(parents=True)
    with pytest.raises(DataError, match='of all conditions of ACDC'):
        recognise(str(tmp_path))


def test_names_are_found_in_any_case():
    assert layout_named('dark_zurich').name == 'DarkZurich'
    with pytest.raises(UsageError, match='expected one of GTA'):
        layout_named('kitti')


def test_a_folder_named_like_a_data_set_is_that_one_where_layouts_look_alike(tmp_path):
    for folder, name in {'carla800': 'Carla800', 'other': 'ProcStreet', 'camvid960': 'CamVid960'}.items():
        part = 'leftImg8bit/val/s' if 'camvid' in folder else 'images'
        picture = tmp_path / folder / part / 'a_leftImg8bit.jpg'
        label = tmp_path / folder / 'labels/a_labelTrainIds.png'
        for path in (picture, label):
            path.parent.mkdir(parents=True)
            path.touch()
        assert recognise(str(tmp_path / folder)).name == name
