"""Pairs of source and target, rare class sampling and the synchronised crop."""

import pickle
import shutil
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mmseg.datasets.transforms.reading as reading
from mmseg.archives import opened
from mmseg.datasets import build_dataset
from mmseg.datasets.random import rng_for
from mmseg.datasets.uda import RareClassSampler
from mmseg.errors import ConfigError, DataError
from mmseg.toolbox.preparation.statistics_files import LabelStats, write_statistics
from tests.datasets.conftest import CROP, source_cfg, target_cfg, uda_cfg

RARE = {'min_pixels': 100, 'class_temp': 0.5, 'min_crop_ratio': 0.5}


def test_pair_and_keys(folders: Path) -> None:
    dataset = build_dataset(uda_cfg(folders))
    assert len(dataset) == 12
    sample = dataset.sample(7, rng_for(0, 0))
    assert set(sample) == {'img', 'img_metas', 'gt_semantic_seg', 'target_img', 'target_img_metas'}
    assert sample['img_metas']['ori_filename'] == '00002.png'
    assert sample['target_img_metas']['ori_filename'].startswith('aachen/aachen_000001')


def test_draw_is_pure_and_covers_both_sides(folders: Path) -> None:
    dataset = build_dataset(uda_cfg(folders))
    late = dataset.draw(1000, seed=0)
    samples = [dataset.draw(i, seed=0) for i in range(12)]
    again = build_dataset(uda_cfg(folders)).draw(1000, seed=0)
    assert torch.equal(late['img'], again['img'])
    assert torch.equal(late['target_img'], again['target_img'])
    assert len({s['img_metas']['ori_filename'] for s in samples[:4]}) == 4
    assert len({s['target_img_metas']['ori_filename'] for s in samples[:3]}) == 3


def test_length_costs_nothing(folders: Path) -> None:
    dataset = build_dataset(uda_cfg(folders))
    dataset.source.img_infos *= 10_000
    dataset.target.img_infos *= 1_000
    assert len(dataset) == 40_000 * 3_000
    assert dataset.draw(10**9, seed=0)['img'].shape == (3, *CROP)


def test_labels_of_the_target_are_never_read(folders: Path) -> None:
    shutil.rmtree(folders / 'target/gtFine')
    assert 'target_img' in build_dataset(uda_cfg(folders)).draw(0, seed=0)


def test_mask_is_passed_on_and_cut_like_the_picture(folders: Path) -> None:
    cfg = uda_cfg(folders, sync_crop_size=(8, 10))
    cfg['target'] = target_cfg(folders, crop_pseudo_margins=[30, 240, 30, 30])
    sample = build_dataset(cfg).draw(0, seed=0)
    assert sample['valid_pseudo_mask'].shape == (1, 8, 10)
    assert sample['img'].shape == sample['target_img'].shape == (3, 8, 10)
    assert sample['gt_semantic_seg'].shape == (1, 8, 10)


@pytest.mark.parametrize('rare', [None, RARE])
def test_both_sides_are_cut_at_the_same_place(folders: Path, rare: dict[str, Any] | None) -> None:
    whole = build_dataset(uda_cfg(folders, rare_class_sampling=rare)).draw(3, seed=1)
    cut = build_dataset(uda_cfg(folders, rare_class_sampling=rare, sync_crop_size=(8, 10))).draw(3, seed=1)
    windows = [(y, x) for y in range(9) for x in range(11) if _at(whole['img'], y, x).equal(cut['img'])]
    assert any(_at(whole['target_img'], y, x).equal(cut['target_img']) for y, x in windows)


def _at(image: torch.Tensor, y: int, x: int) -> torch.Tensor:
    return image[:, y : y + 8, x : x + 10]


def test_rare_class_is_in_the_crop(folders: Path) -> None:
    dataset = build_dataset(uda_cfg(folders, rare_class_sampling=RARE))
    assert dataset.rare_classes.classes[-1] == 0
    for i in range(20):
        label = dataset.draw(i, seed=0)['gt_semantic_seg']
        counts = np.bincount(label.numpy().ravel(), minlength=256)
        assert (counts[:5] > 50).any()


def test_rare_classes_come_as_often_as_their_probability(folders: Path) -> None:
    sampler = build_dataset(uda_cfg(folders, rare_class_sampling=RARE)).rare_classes
    drawn = np.bincount([int(rng_for(0, i).choice(5, p=sampler.probabilities)) for i in range(3000)])
    np.testing.assert_allclose(drawn / 3000, sampler.probabilities, atol=0.03)


def test_redraws_decode_once_and_stop_after_ten(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = uda_cfg(folders, rare_class_sampling={**RARE, 'min_crop_ratio': 1000.0})
    dataset = build_dataset(cfg)
    decoded, placed = [], []
    read, place = reading.read_image, dataset.source.pipeline.place
    monkeypatch.setattr(reading, 'read_image', lambda path: decoded.append(path) or read(path))
    monkeypatch.setattr(dataset.source.pipeline, 'place', lambda *args: placed.append(1) or place(*args))
    dataset.rare_classes.sample(rng_for(0, 0))
    assert len(decoded) == 1
    assert len(placed) == 11


def test_no_redraw_without_a_ratio(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = build_dataset(uda_cfg(folders, rare_class_sampling={**RARE, 'min_crop_ratio': 0}))
    placed = []
    place = dataset.source.pipeline.place
    monkeypatch.setattr(dataset.source.pipeline, 'place', lambda *args: placed.append(1) or place(*args))
    dataset.rare_classes.sample(rng_for(0, 0))
    assert len(placed) == 1


def test_merged_classes_are_sampled_together(folders: Path) -> None:
    cfg = uda_cfg(folders, rare_class_sampling=RARE)
    cfg['source'] = source_cfg(folders, class_merge={'merge': {'3': 4}})
    sampler = build_dataset(cfg).rare_classes
    assert sampler.classes == [1, 2, 4, 0]
    assert sampler.names[4] == ['00002_labelTrainIds.png', '00003_labelTrainIds.png']


def test_missing_statistics_name_the_command(folders: Path) -> None:
    (folders / 'source/samples_with_class.json').unlink()
    with pytest.raises(DataError, match=r'samples_with_class\.json.*gta\.py'):
        build_dataset(uda_cfg(folders, rare_class_sampling=RARE))


def test_statistics_of_other_files_are_noticed(folders: Path) -> None:
    (folders / 'source/images/00003.png').unlink()
    with pytest.raises(DataError, match='1 label maps without a picture'):
        build_dataset(uda_cfg(folders, rare_class_sampling=RARE))


def test_both_sides_must_agree(folders: Path) -> None:
    cfg = uda_cfg(folders)
    cfg['target'] = target_cfg(folders, classes=['road', 'car'])
    with pytest.raises(ConfigError, match='CLASSES of source'):
        build_dataset(cfg)


def test_sampling_options_are_checked(folders: Path) -> None:
    with pytest.raises(ConfigError, match='rare_class_sampling'):
        build_dataset(uda_cfg(folders, rare_class_sampling={'min_pixel': 3}))


def test_memory_of_a_start_grows_by_names_and_counts(tmp_path: Path) -> None:
    """Listing, statistics and candidates, for empty files in an archive."""

    def peak(count: int) -> int:
        names = [f'{number:05}.png' for number in range(count)]
        path = tmp_path / f'{count}.zip'
        with zipfile.ZipFile(path, 'w') as file:
            for name in names:
                file.writestr(f'images/{name}', b'')
                file.writestr(f'labels/{name.replace(".", "_labelTrainIds.")}', b'')
        (tmp_path / str(count)).mkdir()
        labels = (f'{path}/labels/{name.replace(".", "_labelTrainIds.")}' for name in names)
        write_statistics(
            str(tmp_path / str(count)), (LabelStats(name, dict.fromkeys(range(12), 500)) for name in labels)
        )
        opened(str(path))
        tracemalloc.start()
        cfg = {**source_cfg(tmp_path), 'data_root': str(path)}
        sampler = RareClassSampler(build_dataset(cfg), 100, 0.01, 0.5)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert [len(files) for files in sampler.files.values()] == [count] * 12
        assert len(pickle.dumps(sampler)) < 200_000 + 250 * count
        return most

    assert peak(4_000) - peak(400) < 3_600 * 2_000
