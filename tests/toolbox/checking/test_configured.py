"""Checking what a configuration reads."""

import shutil
from pathlib import Path

from mmseg.toolbox.checking import check_config_data, report_text
from tests.datasets.conftest import source_cfg, target_cfg, uda_cfg, val_cfg

RARE = {'min_pixels': 100, 'class_temp': 0.5, 'min_crop_ratio': 0.5}


def test_every_data_set_has_a_report(folders: Path) -> None:
    shutil.rmtree(folders / 'target/gtFine')
    val = val_cfg(folders, ann_dir=None, img_dir='leftImg8bit/train')
    data = {'train': uda_cfg(folders, rare_class_sampling=RARE), 'val': val, 'test': val}
    source, target, validation = check_config_data(data)
    assert (source.root, target.root, validation.root) == (
        'data.train.source',
        'data.train.target',
        'data.val',
    )
    assert source.sound
    assert list(source.rare_classes) == [1, 2, 3, 4, 0]
    assert target.sound, 'labels of the target are not read'
    assert not validation.sound
    assert 'Verdict: sound' in report_text(target)


def test_own_class_names_and_table(folders: Path) -> None:
    cfg = source_cfg(folders, classes=['sidewalk', 'road'])
    (report,) = check_config_data({'train': [cfg, source_cfg(folders, classes=['sidewalk', 'road'])]})
    assert report.class_names == ('sidewalk', 'road')
    assert len(report.splits) == 2
    assert report.splits[0].occurs[:3].tolist() == [1, 4, 0]


def test_missing_statistics_and_folders_are_findings(folders: Path) -> None:
    (folders / 'source/samples_with_class.json').unlink()
    data = {'train': uda_cfg(folders, rare_class_sampling=RARE, target=target_cfg(folders, img_dir='none'))}
    source, target = check_config_data(data)
    assert 'samples_with_class.json' in source.findings[0].text
    assert 'does not exist' in target.findings[0].text
