"""Debug pictures."""

import numpy as np
import pytest
import torch

from mmseg.fileio import read_image
from mmseg.models.trainable import LossGroup
from mmseg.uda.debug import DebugPictures, picture_rows
from tests.uda.networks import DISTANCE, NORMALISATION, small_batch, small_method
from tests.uda.test_method import train

PALETTE = [[128, 64, 128], [244, 35, 232], [70, 70, 70], [0, 0, 142]]


def pictures(folder, interval):
    return DebugPictures(folder, interval, PALETTE, NORMALISATION['mean'], NORMALISATION['std'])


def test_files_of_the_published_names_and_size(tmp_path):
    method = small_method(**DISTANCE)
    observer = pictures(tmp_path / 'class_mix_debug', 2)
    method.observers.append(observer)
    train(method, [small_batch(seed=i) for i in range(3)])
    observer.close()
    files = sorted(path.name for path in (tmp_path / 'class_mix_debug').iterdir())
    assert files == ['000001_0.png', '000001_1.png', '000003_0.png', '000003_1.png']
    assert read_image(tmp_path / 'class_mix_debug' / '000003_1.png').shape == (600, 1500, 3)


def test_an_interval_of_0_draws_nothing(tmp_path):
    method = small_method()
    observer = pictures(tmp_path / 'pictures', 0)
    method.observers.append(observer)
    train(method, [small_batch()])
    observer.close()
    assert not (tmp_path / 'pictures').exists()


def host(method, batch):
    groups = {}
    method.observers.append(lambda iteration, group: groups.__setitem__(group.name, group.seen))
    train(method, [batch])
    return tuple({k: v.detach().numpy() for k, v in groups[name].items()} for name in ('source', 'mixed'))


def test_titles_and_contents():
    batch = small_batch()
    source, mixed = host(small_method(**DISTANCE), batch)
    normalisation = (NORMALISATION['mean'], NORMALISATION['std'])
    upper, lower = picture_rows(source, mixed, 1, PALETTE, normalisation)
    assert [p.title for p in upper] == [
        'Source Image',
        'Source Seg GT',
        'Mixed Image',
        'Pseudo W.',
        'FDist Mask',
    ]
    assert [p.title for p in lower] == [
        'Target Image', 'Target Seg (Pseudo) GT', 'Domain Mask', 'Seg Targ', 'Scaled GT',
    ]  # fmt: skip
    image = batch['img'][1].permute(1, 2, 0) * torch.tensor(NORMALISATION['std']) + torch.tensor(
        NORMALISATION['mean']
    )
    assert np.abs(upper[0].picture - image.numpy().clip(0, 255)).max() <= 0.51
    label = batch['gt_semantic_seg'][1, 0]
    assert upper[1].picture[label == 2].tolist() == [[70, 70, 70]] * int((label == 2).sum())
    assert not upper[1].picture[label == 255].any()
    assert upper[3].picture.max() <= 1


def test_without_a_feature_distance_there_are_four_columns():
    source, mixed = host(small_method(), small_batch(1))
    rows = picture_rows(source, mixed, 0, PALETTE, (NORMALISATION['mean'], NORMALISATION['std']))
    assert [len(row) for row in rows] == [4, 4]


def test_what_goes_wrong_while_drawing_is_raised(tmp_path):
    observer = pictures(tmp_path, 1)
    observer(0, LossGroup('source', {}, {}))
    observer(0, LossGroup('mixed', {}, {'img': torch.zeros(1, 3, 4, 4)}))
    with pytest.raises(KeyError):
        observer.close()
