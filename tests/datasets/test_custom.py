"""Finding pictures, training samples, labels and merging."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmseg.datasets import CLASSES, PALETTE, build_dataset
from mmseg.datasets.random import rng_for, shuffled_index
from mmseg.errors import ConfigError, DataError
from mmseg.fileio import write_label_png
from tests.datasets.conftest import CROP, HEIGHT, WIDTH, source_cfg, target_cfg, train_pipeline, val_cfg


def same(a: Any, b: Any) -> bool:
    """Equal samples."""
    return set(a) == set(b) and all(torch.equal(a[k], b[k]) for k in a if isinstance(a[k], torch.Tensor))


def test_pictures_are_found_in_order(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, 'mmseg'):
        dataset = build_dataset(target_cfg(folders))
    assert [info['filename'] for info in dataset.img_infos] == [
        'aachen/aachen_000000_000019_leftImg8bit.png',
        'aachen/aachen_000001_000019_leftImg8bit.png',
        'bochum/bochum_000000_000019_leftImg8bit.png',
    ]
    assert dataset.img_infos[0]['ann']['seg_map'] == 'aachen/aachen_000000_000019_gtFine_labelTrainIds.png'
    assert 'Loaded 3 images from' in caplog.text
    assert (dataset.CLASSES, dataset.PALETTE) == (CLASSES, PALETTE)


def test_split_file_gives_names_and_order(folders: Path) -> None:
    (folders / 'target/few.txt').write_text('bochum/bochum_000000_000019\naachen/aachen_000001_000019\n')
    dataset = build_dataset(target_cfg(folders, split='few.txt'))
    assert [info['filename'][:6] for info in dataset.img_infos] == ['bochum', 'aachen']


def test_sample_is_a_pure_function(folders: Path) -> None:
    dataset = build_dataset(source_cfg(folders))
    sample = dataset.draw(5, seed=3)
    assert sample['img'].shape == (3, *CROP)
    assert sample['img'].dtype == torch.float32
    assert sample['gt_semantic_seg'].shape == (1, *CROP)
    assert sample['gt_semantic_seg'].dtype == torch.uint8
    for i in range(4):
        dataset.draw(i, seed=3)
    assert same(sample, dataset.draw(5, seed=3))
    assert same(sample, build_dataset(source_cfg(folders)).draw(5, seed=3))
    assert same(sample, dataset.sample(shuffled_index(5, 4, 3), rng_for(3, 5)))
    assert not same(sample, dataset.draw(5, seed=4))


def test_loaded_picture_can_be_processed_again(folders: Path) -> None:
    dataset = build_dataset(source_cfg(folders))
    loaded = dataset.load(1)
    first, again = dataset.process(loaded, rng_for(0, 1)), dataset.process(loaded, rng_for(0, 1))
    assert same(first, again)
    assert same(first, dataset.sample(1, rng_for(0, 1)))


def test_every_picture_comes_once_an_epoch(folders: Path) -> None:
    dataset = build_dataset(source_cfg(folders))
    for epoch in range(3):
        names = {dataset.draw(epoch * 4 + i, seed=0)['img_metas']['ori_filename'] for i in range(4)}
        assert len(names) == 4


def test_testing_needs_no_labels(folders: Path) -> None:
    for path in (folders / 'target/gtFine').rglob('*.png'):
        path.unlink()
    dataset = build_dataset(val_cfg(folders))
    item = dataset[1]
    assert [tuple(image.shape) for image in item['img']] == [(3, HEIGHT, WIDTH)]
    assert item['img_metas'][0]['ori_filename'].startswith('aachen/aachen_000001')
    with pytest.raises(DataError, match=r'cityscapes\.py'):
        dataset.check_labels()
    with pytest.raises(DataError, match='no such label map'):
        dataset.get_gt_seg_map(0)


def test_subset_of_classes_is_remapped(folders: Path) -> None:
    dataset = build_dataset(source_cfg(folders, classes=['sidewalk', 'road']))
    assert dataset.CLASSES == ('sidewalk', 'road')
    assert [PALETTE[1], PALETTE[0]] == dataset.PALETTE
    np.testing.assert_array_equal(np.unique(dataset.get_gt_seg_map(0)), [0, 1])
    np.testing.assert_array_equal(np.unique(dataset.get_gt_seg_map(1)), [1, 255])


def test_classes_may_stand_in_a_file(folders: Path) -> None:
    (folders / 'names.txt').write_text('road\nbuilding\n')
    dataset = build_dataset(source_cfg(folders, classes=str(folders / 'names.txt')))
    assert dataset.CLASSES == ('road', 'building')


def test_merged_labels_in_samples_and_truth(folders: Path) -> None:
    merge = {'merge': {'2': 1}, 'classes': [0, 1], 'names': ['road', 'other']}
    dataset = build_dataset(source_cfg(folders, class_merge=merge))
    np.testing.assert_array_equal(np.unique(dataset.get_gt_seg_map(1)), [0, 1])
    assert set(dataset.sample(1, rng_for(0, 0))['gt_semantic_seg'].unique().tolist()) <= {0, 1}
    matrix = np.zeros((19, 19), np.int64)
    matrix[0, 0], matrix[1, 1], matrix[1, 2] = 10, 5, 5
    values = dataset.evaluate_confusion(matrix).values
    assert values == {
        'aAcc': 1.0, 'mIoU': 1.0, 'mAcc': 1.0, 'IoU.road': 1.0, 'IoU.other': 1.0, 'Acc.road': 1.0, 'Acc.other': 1.0
    }  # fmt: skip


def test_margins_become_a_mask(folders: Path) -> None:
    dataset = build_dataset(target_cfg(folders, crop_pseudo_margins=[256, 512, 1024, 0]))
    mask = dataset.load(0)['valid_pseudo_mask']
    assert mask.shape == (HEIGHT, WIDTH)
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[HEIGHT // 4 : HEIGHT // 2, WIDTH // 2 :] = 1
    np.testing.assert_array_equal(mask, expected)
    sample = dataset.draw(0, seed=0)
    assert sample['valid_pseudo_mask'].shape == (1, *CROP)
    assert sample['valid_pseudo_mask'].dtype == torch.uint8


def test_mask_follows_the_picture_without_a_resize(folders: Path) -> None:
    steps = [
        {'type': 'LoadImageFromFile'},
        {'type': 'RandomCrop', 'crop_size': CROP},
        {'type': 'DefaultFormatBundle'},
        {'type': 'Collect', 'keys': ['img'], 'meta_keys': ['filename']},
    ]
    dataset = build_dataset(target_cfg(folders, pipeline=steps, crop_pseudo_margins=[512, 0, 0, 0]))
    assert dataset.load(0)['valid_pseudo_mask'].mean() == 0.5
    assert steps[-1]['keys'] == ['img']


@pytest.mark.parametrize(
    ('make', 'script'),
    [(source_cfg, r'tools/convert_datasets/gta\.py'), (target_cfg, r'tools/convert_datasets/cityscapes\.py')],
)
def test_missing_data_names_folder_count_and_command(tmp_path: Path, make: Any, script: str) -> None:
    cfg = make(tmp_path)
    with pytest.raises(DataError, match=script) as error:
        build_dataset(cfg)
    assert 'does not exist' in str(error.value)
    folder = Path(cfg['data_root']) / cfg['img_dir']
    folder.mkdir(parents=True)
    (folder / 'notes.txt').touch()
    with pytest.raises(DataError, match='1 files there, 0 of them end in') as error:
        build_dataset(cfg)
    assert str(folder) in str(error.value)
    assert '\n' not in str(error.value)


def test_unconverted_labels_are_noticed_before_training(folders: Path) -> None:
    for path in (folders / 'source/labels').iterdir():
        path.rename(path.with_name(path.name.replace('_labelTrainIds', '')))
    with pytest.raises(
        DataError, match=r'00000_labelTrainIds\.png.* does not exist\. 4 other files there\. .*gta\.py'
    ):
        build_dataset(source_cfg(folders))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'crop_pseudo_margins': [0, 0, 0, 0]}, 'crop_pseudo_margins'),
        ({'split': 'val'}, 'split'),
        ({'classes': ['roads']}, 'roads'),
        ({'class_merge': {'merge': {'1': 99}}}, 'class_merge'),
    ],
)
def test_options_that_do_not_fit(folders: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_dataset(source_cfg(folders, **changes))


def test_damaged_files_are_named_when_they_are_drawn(folders: Path) -> None:
    dataset = build_dataset(source_cfg(folders))
    write_label_png(folders / 'source/labels/00000_labelTrainIds.png', np.full((HEIGHT, WIDTH), 33))
    with pytest.raises(DataError, match=r'00000_labelTrainIds\.png: found label ids \[33\]'):
        dataset.load(0)
    path = folders / 'source/images/00001.png'
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r'00001\.png: damaged'):
        dataset.load(1)


@pytest.mark.parametrize(
    ('options', 'named'), [({'cat_max_ratio': 0.75}, 'cat_max_ratio'), ({}, 'LoadAnnotations')]
)
def test_labels_without_a_folder_are_refused(folders: Path, options: dict[str, Any], named: str) -> None:
    cfg = source_cfg(folders, ann_dir=None, pipeline=train_pipeline(**options))
    with pytest.raises(DataError, match=f'ann_dir is not set.* leave {named} out of its pipeline'):
        build_dataset(cfg)


def test_a_label_map_that_is_missing_later_names_the_remedy(folders: Path) -> None:
    dataset = build_dataset(source_cfg(folders))
    (folders / 'source/labels/00002_labelTrainIds.png').unlink()
    with pytest.raises(DataError, match=r'00002_labelTrainIds\.png: no such label map\. .*gta\.py'):
        dataset.get_gt_seg_map(2)
