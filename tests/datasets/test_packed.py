"""A data set in an archive gives the samples of the same data set in folders."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg.datasets import build_dataset
from mmseg.datasets.loading import build_train_loader
from mmseg.errors import DataError
from mmseg.toolbox.checking import check_config_data
from mmseg.toolbox.checking.preflight import fingerprint
from mmseg.toolbox.preparation.conversion import convert
from mmseg.toolbox.preparation.counting import count_folder, count_source
from mmseg.toolbox.preparation.label_formats import GTA
from tests.datasets.conftest import source_cfg, target_cfg

RARE = {'min_pixels': 10, 'class_temp': 0.1, 'min_crop_ratio': 0.5}
Packed = Callable[..., dict[str, Any]]


@pytest.fixture(params=['zip', 'tar'])
def packed(folders: Path, request: pytest.FixtureRequest) -> Packed:
    """The source's configuration with its folder packed, beside which the statistics stay."""
    archive = shutil.make_archive(str(folders / 'source'), request.param, folders / 'source')
    for kind in ('images', 'labels'):
        shutil.move(folders / 'source' / kind, folders / f'unpacked_{kind}')

    def config(**changes: Any) -> dict[str, Any]:
        return source_cfg(folders, data_root=archive, **changes)

    return config


def batches(source: dict[str, Any], folders: Path, workers: int) -> list[Any]:
    cfg = {'type': 'UDADataset', 'source': source, 'target': target_cfg(folders), 'rare_class_sampling': RARE}
    loader = build_train_loader(build_dataset(cfg), 2, workers, seed=3, end_iteration=4)
    return list(loader)


@pytest.mark.parametrize('workers', [0, 2])
def test_batches_are_the_same(packed: Packed, folders: Path, workers: int) -> None:
    found = batches(packed(), folders, workers)
    unpacked = {'img_dir': str(folders / 'unpacked_images'), 'ann_dir': str(folders / 'unpacked_labels')}
    expected = batches(source_cfg(folders, **unpacked), folders, 0)
    for one, other in zip(found, expected, strict=True):
        for key in ('img', 'gt_semantic_seg', 'target_img'):
            assert torch.equal(one[key], other[key])


def test_statistics_are_counted_beside_the_archive(packed: Packed, folders: Path) -> None:
    shutil.rmtree(folders / 'source')
    dataset = build_dataset(packed())
    assert dataset.statistics_folder == dataset.data_root, 'those that were packed'
    written = count_source(dataset.parts())
    assert written[0] == str(folders / 'source/sample_class_stats.json')
    assert dataset.statistics_folder == str(folders / 'source')
    assert f'{dataset.data_root}/labels/00000_labelTrainIds.png' in Path(written[0]).read_text()
    assert count_folder(f'{dataset.data_root}/labels', '_labelTrainIds.png') == written


def test_missing_statistics_of_an_archive_are_not_asked_of_a_conversion(
    packed: Packed, folders: Path
) -> None:
    unpacked = {'img_dir': str(folders / 'unpacked_images'), 'ann_dir': str(folders / 'unpacked_labels')}
    assert 'gta.py' in build_dataset(source_cfg(folders, **unpacked)).statistics_remedy()
    remedy = build_dataset(packed()).statistics_remedy()
    assert 'class_statistics.py CONFIG' in remedy
    assert remedy.endswith('into the folder beside the archive.')


def test_checks_see_what_is_packed(packed: Packed, folders: Path) -> None:
    dataset = build_dataset(packed())
    assert fingerprint(dataset, labelled=True, counted=True) != fingerprint(dataset, labelled=False)
    cfg = {
        'train': {
            'type': 'UDADataset',
            'source': packed(),
            'target': target_cfg(folders),
            'rare_class_sampling': RARE,
        }
    }
    source = next(iter(check_config_data(cfg, None, 2, progress=False)))
    assert (source.splits[0].pictures, source.splits[0].labels, source.splits[0].looked_at) == (4, 4, 4)


def test_a_damaged_picture_in_an_archive_is_named(folders: Path) -> None:
    path = folders / 'few.zip'
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr('images/1.png', (folders / 'source/images/00000.png').read_bytes()[:-40])
    dataset = build_dataset(
        source_cfg(folders, data_root=None, img_dir=f'{path}/images', ann_dir=None, test_mode=True)
    )
    with pytest.raises(DataError, match=r'few\.zip/images/1\.png: damaged file'):
        dataset.load(0)


def test_raw_labels_are_not_converted_within_an_archive(packed: Packed) -> None:
    with pytest.raises(DataError, match=r'labels is in an archive.*Unpack the labels'):
        convert(packed()['data_root'], GTA, progress=False)
