"""Decoded files are kept on the disk: the same pixels, for all processes, until a file changes or there is no room."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmseg.datasets import build_dataset
from mmseg.datasets.decoded import DecodedCache
from mmseg.datasets.loading import build_train_loader
from mmseg.errors import DataError
from mmseg.fileio import write_label_png
from tests.datasets.conftest import HEIGHT, WIDTH, source_cfg, write_picture


class Decoder:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, file: str) -> np.ndarray:
        self.asked.append(Path(file).name)
        value = Path(file).read_bytes()[0]
        return np.full((2, 3, 3) if file.endswith('.jpg') else (2, 3), value, np.uint8)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    names = [str(tmp_path / name) for name in ('a.jpg', 'a.png', 'b.jpg')]
    for number, name in enumerate(names):
        Path(name).write_bytes(bytes([number + 1]))
    return names


def test_files_are_decoded_once(tmp_path: Path, files: list[str]) -> None:
    decode = Decoder()
    cache = DecodedCache(str(tmp_path / 'cache'), 1, files)
    for _ in range(2):
        found = [cache.read(number, file, decode) for number, file in enumerate(files)]
        assert [array.shape for array in found] == [(2, 3, 3), (2, 3), (2, 3, 3)]
        assert [int(array.max()) for array in found] == [1, 2, 3]
        assert all(array.flags.writeable for array in found)
    assert len(decode.asked) == 3
    for other in (DecodedCache(str(tmp_path / 'cache'), 1, files), pickle.loads(pickle.dumps(cache))):  # noqa: S301
        other.read(2, files[2], decode)
    assert len(decode.asked) == 3, 'of another run, or of a spawned process'
    DecodedCache(str(tmp_path / 'cache'), 1, files[:1]).read(0, files[0], decode)
    assert len(decode.asked) == 4, 'another list of files has an index of its own'


def test_changed_files_are_decoded_again(tmp_path: Path, files: list[str]) -> None:
    decode = Decoder()
    cache = DecodedCache(str(tmp_path / 'cache'), 1, files)
    cache.read(0, files[0], decode)
    os.utime(files[0], ns=(5, 5))
    cache.read(0, files[0], decode)
    Path(files[0]).write_bytes(b'\7\7')
    os.utime(files[0], ns=(5, 5))
    assert int(cache.read(0, files[0], decode).max()) == 7
    assert int(cache.read(0, files[0], decode).max()) == 7
    assert len(decode.asked) == 3
    assert next((tmp_path / 'cache').glob('*.pixels')).stat().st_size == 18, 'in the place of what was there'
    Path(files[0]).unlink()
    with pytest.raises(FileNotFoundError):
        cache.read(0, files[0], decode)


def test_damaged_pixels_are_not_used(tmp_path: Path, files: list[str]) -> None:
    decode = Decoder()
    cache = DecodedCache(str(tmp_path / 'cache'), 1, files)
    cache.read(0, files[0], decode)
    pixels = next((tmp_path / 'cache').glob('*.pixels'))
    for content in (b'\0' * 18, b'\1' * 4):
        pixels.write_bytes(content)
        assert int(cache.read(0, files[0], decode).min()) == 1
    assert len(decode.asked) == 3


def test_the_limit_is_kept(tmp_path: Path, files: list[str]) -> None:
    decode = Decoder()
    cache = DecodedCache(str(tmp_path / 'cache'), 30e-9, files)  # a picture of 18 bytes and a map of 6
    for _ in range(2):
        for number, file in enumerate(files):
            cache.read(number, file, decode)
    assert decode.asked == ['a.jpg', 'a.png', 'b.jpg', 'b.jpg']
    assert next((tmp_path / 'cache').glob('*.pixels')).stat().st_size == 24


def batches(folders: Path, workers: int, **changes: Any) -> list[Any]:
    loader = build_train_loader(
        build_dataset(source_cfg(folders, **changes)), 2, workers, seed=3, end_iteration=4
    )
    return list(loader)


@pytest.mark.parametrize('workers', [0, 2])
def test_samples_are_the_same(folders: Path, workers: int) -> None:
    expected = batches(folders, 0)
    for _ in range(2):
        found = batches(folders, workers, cache_dir=str(folders / 'cache'))
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one['img'], other['img'])
            assert torch.equal(one['gt_semantic_seg'], other['gt_semantic_seg'])
    assert next((folders / 'cache').glob('*.pixels')).stat().st_size == 4 * 4 * HEIGHT * WIDTH


def test_labels_for_scores_and_changes_of_the_data(folders: Path) -> None:
    dataset = build_dataset(source_cfg(folders, cache_dir=str(folders / 'cache')))
    before = dataset.get_gt_seg_map(1), dataset.load(1)['img'].copy()
    write_label_png(folders / 'source/labels/00001_labelTrainIds.png', np.full((HEIGHT, WIDTH), 9))
    write_picture(folders / 'source/images/00001.png', np.random.default_rng(9))
    assert (dataset.get_gt_seg_map(1) == 9).all()
    assert not np.array_equal(before[1], dataset.load(1)['img'])
    (folders / 'source/images/00001.png').write_bytes(b'\x89PNG\r\n\x1a\n damaged')
    with pytest.raises(DataError, match='damaged file'):
        dataset.load(1)


def test_a_file_that_two_processes_decode_at_the_same_time_has_one_place(
    tmp_path: Path, files: list[str]
) -> None:
    decode = Decoder()
    first, second = (DecodedCache(str(tmp_path / 'cache'), 1, files) for _ in range(2))

    def meanwhile(file: str) -> np.ndarray:
        second.read(0, file, decode)
        return decode(file)

    first.read(0, files[0], meanwhile)
    assert len(decode.asked) == 2
    assert int(second.read(0, files[0], decode).min()) == 1
    assert len(decode.asked) == 2
    assert next((tmp_path / 'cache').glob('*.pixels')).stat().st_size == 18
