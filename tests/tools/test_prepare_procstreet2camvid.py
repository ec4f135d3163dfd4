"""Linking the small pair and counting its classes."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from mmseg.datasets.files import read_split
from mmseg.datasets.rare_classes import read_samples, read_stats, total_pixels
from mmseg.fileio import write_label_png

TOOL = str(Path(__file__).resolve().parents[2] / 'tools' / 'prepare_procstreet2camvid.py')


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, 'argv', ['prepare_procstreet2camvid.py', *map(str, arguments)])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(TOOL, run_name='__main__')
    return int(leaving.value.code or 0)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A shared folder with two label maps."""
    root = tmp_path / 'shared'
    for folder in ('procstreet/images', 'procstreet/labels', 'camvid/leftImg8bit', 'camvid/gtFine'):
        (root / 'data' / folder).mkdir(parents=True)
    for frame in (10, 20, 30, 40):
        picture = root / f'data/camvid/leftImg8bit/val/Seq/Seq_{frame:06d}_leftImg8bit.jpg'
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.touch()
    for name, ids in {'00000': [[0, 0], [18, 255]], '00001': [[0, 7], [7, 7]]}.items():
        label = np.array(ids, np.uint8)
        write_label_png(root / 'data/procstreet/labels' / f'{name}_labelTrainIds.png', label)
    return root


def test_links_and_statistics_as_rare_class_sampling_reads_them(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / 'data'
    for _ in range(2):  # a second run replaces the links
        assert run(monkeypatch, '--shared', shared, '--out', out) == 0
    assert (out / 'camvid/gtFine').resolve() == (shared / 'data/camvid/gtFine').resolve()
    assert total_pixels(read_stats(str(out / 'procstreet'), '')) == {0: 3, 7: 3, 18: 1}
    assert read_samples(str(out / 'procstreet'), '')[18] == [
        (str(out / 'procstreet/labels/00000_labelTrainIds.png'), 1)
    ]
    assert json.loads((out / 'procstreet/sample_class_stats.json').read_text())[1]['7'] == 3


def test_validation_is_split_by_time_as_split_files(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / 'data'
    assert run(monkeypatch, '--shared', shared, '--out', out, 'camvid') == 0
    assert not (out / 'procstreet').exists()
    pictures, ending = str(out / 'camvid/leftImg8bit/val'), '_leftImg8bit.jpg'
    for part, numbers in (('choose', (10, 20)), ('report', (30, 40))):
        listed = read_split(str(out / f'camvid/val_{part}.txt'), pictures, ending)
        assert listed == [f'Seq/Seq_0000{number}{ending}' for number in numbers]


def test_unknown_data_set_lists_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, 'gta5') == 2
    assert 'carla800' in capsys.readouterr().err


def test_a_missing_shared_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, '--shared', tmp_path / 'none', '--out', tmp_path / 'data') == 1
    assert 'MMSEG_SHARED' in capsys.readouterr().err
    assert not (tmp_path / 'data').exists()


def test_a_folder_of_the_users_own_is_left_alone(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / 'data/procstreet/images'
    own.mkdir(parents=True)
    assert run(monkeypatch, '--shared', shared, '--out', tmp_path / 'data') == 1
    assert 'is no link' in capsys.readouterr().err
    assert own.is_dir()
    assert not own.is_symlink()
