"""A file that repeats another is recognised by its bytes; one that differs anywhere is not."""

import io
from pathlib import Path

import pytest

from mmseg.datasets.rare_classes import read_stats
from mmseg.datasets.repeated_counts import repeated_counts
from mmseg.toolbox.preparation.statistics_files import LabelStats, write_statistics


def both(folder: Path, count: int = 3) -> bytes:
    write_statistics(str(folder), (LabelStats(f'ä/{n}.png', {5: n + 1, n % 3: 7}) for n in range(count)))
    return (folder / 'samples_with_class.json').read_bytes()


def test_what_a_conversion_writes_repeats(tmp_path: Path) -> None:
    content = both(tmp_path, 9000)  # more than two blocks
    stats = read_stats(str(tmp_path), '')
    found = repeated_counts(stats, io.BytesIO(content + b'\n'))
    assert found is not None
    assert list(found) == [5, 0, 1, 2]
    assert found[5] == [(n, n + 1) for n in range(9000)]
    assert found[1][:2] == [(1, 7), (4, 7)]


@pytest.mark.parametrize('at', range(0, 330, 7))
def test_one_changed_byte_is_seen(tmp_path: Path, at: int) -> None:
    content = bytearray(both(tmp_path))
    at %= len(content)
    content[at] ^= 1
    stats = read_stats(str(tmp_path), '')
    assert repeated_counts(stats, io.BytesIO(bytes(content))) is None
    assert repeated_counts(stats, io.BytesIO(bytes(content[:at]))) is None
    assert repeated_counts(stats, io.BytesIO(both(tmp_path) + b'{')) is None


def test_statistics_with_a_name_twice_are_not_compared(tmp_path: Path) -> None:
    write_statistics(str(tmp_path), [LabelStats('a', {1: 2}), LabelStats('a', {1: 3})])
    with (tmp_path / 'samples_with_class.json').open('rb') as file:
        assert repeated_counts(read_stats(str(tmp_path), ''), file) is None
