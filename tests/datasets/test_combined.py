"""Several data sets as one: lists of data sets and of folders, repetition, sampling, testing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmseg.datasets import ConcatDataset, RepeatDataset, build_dataset, build_test_loader
from mmseg.errors import ConfigError, DataError
from tests.datasets.conftest import source_cfg, target_cfg, uda_cfg, val_cfg

RARE = {'min_pixels': 100, 'class_temp': 0.5, 'min_crop_ratio': 0.5}


def other_folder(folders: Path) -> Path:
    """A second source: the same file names in another folder."""
    import shutil

    if not (folders / 'more').exists():
        shutil.copytree(folders / 'source', folders / 'more')
    return folders / 'more'


def both(folders: Path) -> list[dict[str, Any]]:
    return [source_cfg(folders), source_cfg(folders, data_root=str(other_folder(folders)))]


def files_of(dataset: Any) -> list[str]:
    return [str(dataset.picture_file(i)) for i in range(len(dataset))]


@pytest.mark.parametrize('form', ['list', 'ConcatDataset', 'folders'])
def test_the_forms_mean_the_same(folders: Path, form: str) -> None:
    other_folder(folders)
    forms = {
        'list': both(folders),
        'ConcatDataset': {'type': 'ConcatDataset', 'datasets': both(folders)},
        'folders': source_cfg(
            folders,
            data_root=str(folders),
            img_dir=['source/images', 'more/images'],
            ann_dir=['source/labels', 'more/labels'],
        ),
    }
    dataset = build_dataset(forms[form])
    assert isinstance(dataset, ConcatDataset)
    assert len(dataset) == 8
    assert [Path(file).relative_to(folders).parts[0] for file in files_of(dataset)] == ['source'] * 4 + [
        'more'
    ] * 4
    drawn = {dataset.draw(i, seed=0)['img_metas']['filename'] for i in range(8)}
    assert drawn == set(files_of(dataset)), 'every picture once'


def test_repetition_shifts_the_shares(folders: Path) -> None:
    more = source_cfg(folders, data_root=str(other_folder(folders)))
    dataset = build_dataset([{'type': 'RepeatDataset', 'dataset': more, 'times': 3}, source_cfg(folders)])
    assert len(dataset) == 16
    drawn = [dataset.draw(i, seed=0)['img_metas']['filename'] for i in range(16)]
    assert sum('/more/' in name for name in drawn) == 12
    with pytest.raises(ConfigError, match='times is 0'):
        RepeatDataset(more, 0)


def test_rare_classes_are_drawn_from_all_parts(folders: Path) -> None:
    dataset = build_dataset(uda_cfg(folders, source=both(folders), rare_class_sampling=RARE))
    assert len(dataset.rare_classes.files[4]) == 2
    drawn = {dataset.draw(i, seed=0)['img_metas']['filename'].rsplit('/', 3)[1] for i in range(30)}
    assert drawn == {'source', 'more'}
    single = build_dataset(uda_cfg(folders, rare_class_sampling=RARE)).rare_classes
    np.testing.assert_allclose(dataset.rare_classes.probabilities, single.probabilities)


def test_repeated_sources_count_once(folders: Path) -> None:
    repeated = {'type': 'RepeatDataset', 'dataset': source_cfg(folders), 'times': 3}
    dataset = build_dataset(uda_cfg(folders, source=repeated, rare_class_sampling=RARE))
    assert len(dataset.rare_classes.files[4]) == 1


def test_a_source_that_is_listed_twice_counts_once(folders: Path) -> None:
    dataset = build_dataset(uda_cfg(folders, source=[source_cfg(folders)] * 2, rare_class_sampling=RARE))
    assert len(dataset.source) == 8
    assert dataset.rare_classes.files[4] == [3]


def test_targets_may_be_several_without_labels(folders: Path) -> None:
    targets = [target_cfg(folders, ann_dir='none'), target_cfg(folders, ann_dir='none')]
    dataset = build_dataset(uda_cfg(folders, target=targets))
    assert len(dataset.target) == 6
    assert 'target_img' in dataset.draw(0, seed=0)


def test_tests_tell_the_parts_apart(folders: Path) -> None:
    test = {'type': 'TestPipeline', 'img_scale': (40, 24)}
    dataset = build_dataset([{**cfg, 'pipeline': test} for cfg in both(folders)], test_mode=True)
    dataset.check_labels()
    batches = list(build_test_loader(dataset, 0, with_labels=True))
    names = [batch['img_metas'][0][0]['ori_filename'] for batch in batches]
    assert names[0] == 'source/images/00000.png'
    assert names[4] == 'more/images/00000.png'
    assert [info['filename'] for info in dataset.img_infos] == names
    np.testing.assert_array_equal(batches[1]['label'], batches[5]['label'])
    assert dataset.evaluate_confusion(np.eye(19, dtype=np.int64)).values['mIoU'] == 1


def test_parts_must_agree(folders: Path) -> None:
    with pytest.raises(ConfigError, match='CLASSES of its data sets differ'):
        build_dataset([source_cfg(folders), source_cfg(folders, classes=['road'])])
    with pytest.raises(ConfigError, match='empty'):
        ConcatDataset([])
    with pytest.raises(ConfigError, match='different lengths'):
        build_dataset(source_cfg(folders, img_dir=['a', 'b'], ann_dir=['c']))


def test_colours_may_be_lists_and_tuples(folders: Path) -> None:
    classes, palette = ['road', 'sky'], [[1, 2, 3], [4, 5, 6]]
    first = source_cfg(folders, classes=classes, palette=palette)
    second = source_cfg(folders, classes=tuple(classes), palette=tuple(map(tuple, palette)))
    assert len(build_dataset([first, second])) == 8
    assert len(build_dataset({'type': 'UDADataset', 'source': first, 'target': second})) == 16


def test_missing_labels_of_a_later_part_are_noticed(folders: Path) -> None:
    with pytest.raises(DataError, match='no label maps found'):
        build_dataset([val_cfg(folders), val_cfg(folders, ann_dir='none')], test_mode=True).check_labels()


def share_of_more(dataset: Any, count: int = 200) -> float:
    """Share of samples that come from the second source."""
    names = [dataset.draw(i, seed=0)['img_metas']['filename'] for i in range(count)]
    return sum('/more/' in name for name in names) / count


@pytest.mark.parametrize('rare', [None, RARE])
def test_weights_say_how_often_each_is_drawn(folders: Path, rare: dict[str, Any] | None) -> None:
    """Both hold the same pictures, one of them three times."""
    first, second = both(folders)
    weighted = {
        'type': 'ConcatDataset',
        'datasets': [[first, first, first], second],
        'weights': [1, 4],
    }
    sets = [weighted] if rare else [weighted, build_dataset(weighted)]
    sets[0] = build_dataset(uda_cfg(folders, source=weighted, rare_class_sampling=rare))
    for dataset in sets:
        assert share_of_more(dataset) == pytest.approx(0.8, abs=0.09)
    first, again = (sets[0].draw(5, seed=0)['img_metas']['filename'] for _ in range(2))
    assert first == again


def test_weights_of_targets(folders: Path) -> None:
    target = target_cfg(folders)
    weighted = {'type': 'ConcatDataset', 'datasets': [target, target], 'weights': [1e-9, 1]}
    dataset = build_dataset(uda_cfg(folders, target=weighted))
    np.testing.assert_allclose(dataset.target.shares.sum(), 1)
    drawn = {dataset.draw(i, seed=0)['target_img_metas']['filename'] for i in range(30)}
    assert len(drawn) == len(dataset.target) // 2


@pytest.mark.parametrize('weights', [[1], [1, 0], [1, -1], [1, 2, 3], []])
def test_weights_that_do_not_fit(folders: Path, weights: list[float]) -> None:
    with pytest.raises(ConfigError, match='expected 2 numbers above 0'):
        ConcatDataset(both(folders), weights)


@pytest.mark.parametrize('rare', [None, RARE])
def test_labelled_pictures_of_the_target_join_the_source(folders: Path, rare: dict[str, Any] | None) -> None:
    first, second = both(folders)
    dataset = build_dataset(
        uda_cfg(folders, source=first, labelled_target=second, labelled_share=0.25, rare_class_sampling=rare)
    )
    assert share_of_more(dataset) == pytest.approx(0.25, abs=0.1)


@pytest.mark.parametrize('rare', [None, RARE])
def test_a_source_without_target(folders: Path, rare: dict[str, Any] | None) -> None:
    pair = uda_cfg(folders, rare_class_sampling=rare, sync_crop_size=(8, 8))
    del pair['target']
    dataset = build_dataset(pair)
    assert len(dataset) == len(dataset.source)
    for sample in (dataset.draw(0, seed=0), dataset[1]):
        assert sample['img'].shape[1:] == (8, 8)
        assert not any('target' in key for key in sample)
