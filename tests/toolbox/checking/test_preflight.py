"""The look at the data before a run: warns, refuses, remembers."""

import json
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import mmseg.toolbox.checking.preflight as module
from mmseg.datasets import build_dataset
from mmseg.errors import DataError
from mmseg.fileio import write_label_png
from mmseg.toolbox.checking.preflight import CACHE, preflight
from tests.datasets.conftest import HEIGHT, WIDTH, source_cfg, uda_cfg, val_cfg


def pair_and_val(folders: Path) -> tuple[Any, Any]:
    return build_dataset(uda_cfg(folders)), build_dataset(val_cfg(folders))


def test_absent_classes_are_a_warning(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, 'mmseg'):
        preflight(*pair_and_val(folders), folders)
    text = ' '.join(record.getMessage() for record in caplog.records)
    assert 'source: no pixel of pole' in text
    assert 'val: no pixel of' not in text


def test_it_is_remembered_until_files_change(
    folders: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[str] = []
    look = module.look
    monkeypatch.setattr(module, 'look', lambda name, *rest: looks.append(name) or look(name, *rest))
    preflight(*pair_and_val(folders), folders)
    assert looks == ['source', 'target', 'val']
    assert (folders / CACHE).is_file()
    caplog.clear()
    preflight(*pair_and_val(folders), folders)
    assert len(looks) == 3
    assert 'source: no pixel of pole' in caplog.text, 'the warning is repeated, not the look'
    write_label_png(folders / 'source/labels/00002_labelTrainIds.png', np.full((HEIGHT, WIDTH), 5, np.uint8))
    preflight(*pair_and_val(folders), folders)
    assert looks[3:] == ['source']


@pytest.mark.parametrize('rubbish', ['', '{"a": [', '[1]', '[' * 100000])
def test_what_is_remembered_may_be_damaged(rubbish: str, folders: Path) -> None:
    """It saves time; a run is resumed without it, too."""
    (folders / CACHE).write_text(rubbish)
    preflight(*pair_and_val(folders), folders)
    assert (folders / CACHE).read_text() not in ('', rubbish)


def test_labels_without_a_class_are_refused(folders: Path) -> None:
    for path in (folders / 'source/labels').iterdir():
        write_label_png(path, np.full((HEIGHT, WIDTH), 255, np.uint8))
    with pytest.raises(DataError, match=r'source: no pixel of any class.*--no-check'):
        preflight(build_dataset(uda_cfg(folders)), None, folders)
    assert not (folders / CACHE).exists()


def test_damage_that_is_skipped_is_only_warned_of(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    next((folders / 'source/images').iterdir()).write_bytes(b'')
    with pytest.raises(DataError, match='source: '):
        preflight(*pair_and_val(folders), folders)
    with caplog.at_level(logging.WARNING, 'mmseg'):
        preflight(*pair_and_val(folders), folders, tolerant=True)
    assert 'the file is empty' in caplog.text


def test_combined_sets_are_named(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    dataset = build_dataset([source_cfg(folders), source_cfg(folders)])
    with caplog.at_level(logging.WARNING, 'mmseg'):
        preflight(dataset, None, folders)
    assert 'train 1: no pixel of' in caplog.text


@pytest.mark.parametrize('content', [b'', b'{"x', b'[1]', b'\xff\xfe'])
def test_a_damaged_memory_costs_another_look(folders: Path, content: bytes) -> None:
    (folders / CACHE).write_bytes(content)
    preflight(*pair_and_val(folders), folders)
    assert json.loads((folders / CACHE).read_text())


def test_statistics_of_other_labels_are_noticed(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    rare = {'min_pixels': 10, 'class_temp': 0.1, 'min_crop_ratio': 0.5}
    pair = build_dataset(uda_cfg(folders, rare_class_sampling=rare))
    with caplog.at_level(logging.WARNING, 'mmseg'):
        preflight(pair, None, folders)
    assert 'statistics count other pixels' not in caplog.text
    write_label_png(folders / 'source/labels/00002_labelTrainIds.png', np.full((HEIGHT, WIDTH), 5, np.uint8))
    with caplog.at_level(logging.WARNING, 'mmseg'):
        preflight(pair, None, folders)
    assert 'source: ' in caplog.text
    assert 'the statistics count other pixels than the label maps have, in 1 of 4 looked at' in caplog.text
    assert '00002.png' in caplog.text


def test_dark_pictures_are_noticed(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    for path in (folders / 'source/images').iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path)) // 16)
    with caplog.at_level(logging.WARNING, 'mmseg'):
        preflight(*pair_and_val(folders), folders)
    assert 'source: no value above 15 of 255 in the 4 pictures looked at' in caplog.text
    assert 'val: no value above' not in caplog.text


def test_pictures_of_another_ending_are_noticed(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ('x.jpg', 'y.jpg', 'z.tif'):
        (folders / 'source/images' / name).touch()
    with caplog.at_level(logging.WARNING, 'mmseg'):
        preflight(*pair_and_val(folders), folders)
    assert 'pictures that are left out, since img_suffix is .png: 2 .jpg, 1 .tif' in caplog.text
