"""Conversion of raw labels: look-up tables, statistics, split lists, damaged input."""

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from mmseg.errors import DataError
from mmseg.toolbox.preparation import conversion
from mmseg.toolbox.preparation.conversion import (
    LabelStats,
    convert,
    convert_label,
    find_labels,
    lookup_table,
    write_statistics,
)
from mmseg.toolbox.preparation.label_formats import (
    CITYSCAPES,
    FORMATS,
    GTA,
    GTA_TABLE,
    MAPILLARY,
    SYNTHIA,
    SYNTHIA_TABLE,
    LabelFormat,
)


def save_palette(path: Path, ids: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(ids.astype(np.uint8))
    image.putpalette(list(range(256)) * 3)
    image.save(path)


def save_synthia(path: Path, ids: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = np.zeros((*ids.shape, 3), np.uint16)
    channels[..., 2], channels[..., 1] = ids, 40000
    cv2.imwrite(str(path), channels)


def naive(ids: np.ndarray, table: dict[int, int]) -> np.ndarray:
    """19 passes, as the published programs do it."""
    result = np.full(ids.shape, 255, np.uint8)
    for raw, train in table.items():
        result[ids == raw] = train
    return result


@given(hnp.arrays(np.uint16, (5, 7), elements=st.integers(0, 65535)), st.sampled_from(sorted(FORMATS)))
def test_lookup_equals_one_pass_per_class(ids: np.ndarray, name: str) -> None:
    table = FORMATS[name].table
    assert np.array_equal(lookup_table(table, 65536)[ids], naive(ids, table))
    small = (ids % 256).astype(np.uint8)
    assert np.array_equal(lookup_table(table, 256)[small], naive(small, table))


@settings(max_examples=20, deadline=None)
@given(ids=hnp.arrays(np.uint8, (6, 9), elements=st.integers(0, 40)))
def test_statistics_count_each_pixel_once(tmp_path_factory: pytest.TempPathFactory, ids: np.ndarray) -> None:
    path = tmp_path_factory.mktemp('label') / '1.png'
    save_palette(path, ids)
    stats = convert_label(str(path), GTA)
    written = np.asarray(Image.open(stats.file))
    assert np.array_equal(written, naive(ids, GTA_TABLE))
    assert stats.counts == {c: int((written == c).sum()) for c in range(19) if (written == c).any()}
    assert list(stats.counts) == sorted(stats.counts)
    assert set(stats.unknown) == {int(i) for i in np.unique(ids) if i > 34}


def test_synthia_reads_the_class_channel(tmp_path: Path) -> None:
    ids = np.arange(24, dtype=np.uint16).reshape(4, 6)
    save_synthia(tmp_path / '0.png', ids)
    stats = convert_label(str(tmp_path / '0.png'), SYNTHIA)
    image = Image.open(stats.file)
    assert image.mode == 'L'
    assert np.array_equal(np.asarray(image), naive(ids, SYNTHIA_TABLE))


def test_mapillary_keeps_the_last_count_of_a_class(tmp_path: Path) -> None:
    save_palette(tmp_path / 'm.png', np.array([[13, 13, 13, 41], [24, 24, 17, 60]]))
    stats = convert_label(str(tmp_path / 'm.png'), MAPILLARY)
    assert stats.counts == {0: 1, 2: 1}  # 13 (3 px), then 24 (2 px), then 41 (1 px)


def test_statistics_schemas(tmp_path: Path) -> None:
    stats = [LabelStats('d/1.png', {0: 5, 3: 2}), LabelStats('d/2.png', {}), LabelStats('d/3.png', {3: 7})]
    write_statistics(str(tmp_path), stats)
    text = (tmp_path / 'sample_class_stats.json').read_text()
    assert text.startswith('[\n  {\n    "0": 5,\n    "3": 2,\n    "file": "d/1.png"\n  },')
    assert json.loads(text)[1] == {'file': 'd/2.png'}
    assert json.loads((tmp_path / 'sample_class_stats_dict.json').read_text())['d/3.png'] == {'3': 7}
    with_class = json.loads((tmp_path / 'samples_with_class.json').read_text())
    assert with_class == {'0': [['d/1.png', 5]], '3': [['d/1.png', 2], ['d/3.png', 7]]}


def test_processes_give_what_one_process_gives(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for index in range(6):
        save_palette(tmp_path / 'a/labels' / f'{index}.png', rng.integers(0, 35, (8, 8)))
    shutil.copytree(tmp_path / 'a', tmp_path / 'b')
    convert(str(tmp_path / 'a'), GTA, nproc=1, progress=False)
    convert(str(tmp_path / 'b'), GTA, nproc=2, out_dir=str(tmp_path / 'elsewhere'), progress=False)
    one = (tmp_path / 'a/sample_class_stats.json').read_text().replace(str(tmp_path / 'a'), '')
    two = (tmp_path / 'elsewhere/sample_class_stats.json').read_text().replace(str(tmp_path / 'b'), '')
    assert one == two


def test_a_second_run_skips_converted_files(tmp_path: Path) -> None:
    save_palette(tmp_path / 'labels/sub/00007.png', np.full((4, 4), 7))
    save_palette(tmp_path / 'labels/.hidden1.png', np.full((4, 4), 7))
    assert convert(str(tmp_path), GTA, progress=False).labels == 1
    assert find_labels(str(tmp_path / 'labels'), GTA) == [str(tmp_path / 'labels/sub/00007.png')]


def test_mapillary_takes_every_png_but_its_own_results(tmp_path: Path) -> None:
    """Names of Mapillary end in letters too, so the rule of the other data sets (a digit) does not help."""
    save_palette(tmp_path / 'validation/labels/a_b-Q.png', np.array([[13, 24], [41, 60]]))
    first = convert(str(tmp_path), MAPILLARY, 'validation/labels', progress=False)
    before = (tmp_path / 'sample_class_stats.json').read_bytes()
    assert convert(str(tmp_path), MAPILLARY, 'validation/labels', progress=False) == first
    assert (tmp_path / 'sample_class_stats.json').read_bytes() == before
    assert sorted(p.name for p in tmp_path.rglob('*.png')) == ['a_b-Q.png', 'a_b-Q_labelTrainIds.png']
    written = np.asarray(Image.open(tmp_path / 'validation/labels/a_b-Q_labelTrainIds.png'))
    assert written.tolist() == [[0, 0], [0, 255]]


def test_cityscapes_lists_and_statistics(tiny_data: Path) -> None:
    root = tiny_data / 'cityscapes'
    assert (root / 'val.txt').read_text().splitlines() == [
        f'altdorf/altdorf_{i:06d}_000019' for i in range(3)
    ]
    files = [item['file'] for item in json.loads((root / 'sample_class_stats.json').read_text())]
    assert len(files) == 3
    assert all('/train/' in name and name.endswith('_gtFine_labelTrainIds.png') for name in files)


@pytest.mark.parametrize(('label_format', 'save'), [(GTA, save_palette), (SYNTHIA, save_synthia)])
@pytest.mark.parametrize('damage', ['cut', 'flip', 'text', 'empty'])
def test_damaged_png_is_named(tmp_path: Path, label_format: LabelFormat, save, damage: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / label_format.folder / '00001.png'
    save(path, np.random.default_rng(0).integers(0, 20, (40, 60)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged = {'cut': content[: len(content) // 2], 'flip': content, 'text': b'not a picture', 'empty': b''}
    path.write_bytes(damaged[damage])
    with pytest.raises(DataError, match=r'00001\.png'):
        convert(str(tmp_path), label_format, progress=False)
    assert not list(tmp_path.rglob('*labelTrainIds*'))


@pytest.mark.parametrize('content', ['{', '[]', '{"imgWidth": 4}', json.dumps({
    'imgWidth': 8, 'imgHeight': 8, 'objects': [{'label': 'spaceship', 'polygon': [[0, 0], [4, 4], [0, 4]]}]
})])  # fmt: skip
def test_damaged_polygons_are_named(tmp_path: Path, content: str) -> None:
    for split in ('train', 'val', 'test'):
        (tmp_path / 'gtFine' / split).mkdir(parents=True)
    (tmp_path / 'gtFine/train/a_000000_gtFine_polygons.json').write_text(content)
    with pytest.raises(DataError, match=r'a_000000_gtFine_polygons\.json'):
        convert(str(tmp_path), CITYSCAPES, progress=False)


def test_missing_and_empty_folders_say_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='does not exist'):
        convert(str(tmp_path), GTA, progress=False)
    (tmp_path / 'labels').mkdir()
    (tmp_path / 'labels/readme.txt').write_text('')
    with pytest.raises(DataError, match='1 files were found'):
        convert(str(tmp_path), GTA, progress=False)


def test_missing_split_folder(tmp_path: Path, tiny_data: Path) -> None:
    shutil.copytree(tiny_data / 'cityscapes/gtFine/train', tmp_path / 'gtFine/train')
    with pytest.raises(DataError, match='val, test'):
        convert(str(tmp_path), CITYSCAPES, progress=False)


def test_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_palette(tmp_path / 'labels/1.png', np.full((4, 4), 7))
    convert(str(tmp_path), GTA, progress=False)
    before = (tmp_path / 'sample_class_stats.json').read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(OSError, match='No space'):
        conversion.write_statistics(str(tmp_path), [])
    assert (tmp_path / 'sample_class_stats.json').read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith('.')) == []
