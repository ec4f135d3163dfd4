"""Statistics in arrays say what the files say."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from mmseg.datasets.label_counts import Counted, chained, exact_sum, label_counts, pixel_counts, together
from mmseg.datasets.rare_classes import read_sample_counts, read_samples, read_stats
from mmseg.toolbox.preparation.statistics_files import LabelStats, write_statistics

STATS = [{'3': 5, '0': 2, 'file': 'a'}, {'file': 'b'}, {'0': 7}]


def test_entries_and_totals() -> None:
    counts = label_counts([STATS[:1], STATS[1:]])
    assert counts == STATS
    assert counts[1:] == STATS[1:]
    assert list(counts.totals().items()) == [(3, 5), (0, 9)]
    assert {c: list(some) for c, some in counts.by_class().items()} == {3: [(0, 5)], 0: [(0, 2), (2, 7)]}
    assert counts.chosen(np.array([True, False, True])) == [STATS[0], STATS[2]]
    assert together([counts, counts]) == STATS * 2


def test_counts_that_are_none() -> None:
    assert list(pixel_counts([1, 2.0, '3'])) == [1, 2, 3]
    for value in (-1, 2**63, 'a'):
        with pytest.raises((ValueError, OverflowError)):
            pixel_counts([value])


def test_sums_do_not_overflow() -> None:
    numbers = np.array([2**63 - 1] * 3 + [1])
    assert exact_sum(numbers) == sum(numbers.tolist())


def test_label_maps_by_number() -> None:
    some = Counted(np.array([4, 2]), np.array([7, 9]))
    assert some == [(4, 7), (2, 9)]
    assert some.chosen(np.array([False, True])) == [(2, 9)]
    assert chained([some, some])[1:3] == [(2, 9), (4, 7)]


def written(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    folder.mkdir()
    entries = (
        LabelStats(f'labels/{n:06}.png', {int(c): int(rng.integers(1, 99)) for c in rng.permutation(19)[:12]})
        for n in range(count)
    )
    write_statistics(str(folder), entries)


@pytest.mark.parametrize('changed', [False, True])
def test_both_files_give_the_same_whether_one_repeats_the_other_or_not(tmp_path: Path, changed: bool) -> None:
    written(tmp_path / 'some', 300)
    folder = str(tmp_path / 'some')
    if changed:
        path = tmp_path / 'some/samples_with_class.json'
        path.write_text(json.dumps(json.loads(path.read_text())))
    names, by_class = read_sample_counts(folder, '', read_stats(folder, ''))
    found = {c: [(names[i], pixels) for i, pixels in some] for c, some in by_class.items()}
    assert found == read_samples(folder, '')


def test_memory_grows_by_the_numbers_alone(tmp_path: Path) -> None:
    """Both files have 1.1 KB a label map here, and had ten times as much in memory."""

    def peak(count: int) -> int:
        written(tmp_path / str(count), count)
        folder = str(tmp_path / str(count))
        tracemalloc.start()
        read_sample_counts(folder, '', read_stats(folder, ''))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(20_000) - peak(2_000) < 18_000 * 800
