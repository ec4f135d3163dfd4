"""Probabilities, candidates and statistics files of rare class sampling."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg.datasets.label_counts import Counted, label_counts
from mmseg.datasets.rare_classes import (
    SAMPLES_FILE,
    STATS_FILE,
    candidates,
    min_count,
    read_samples,
    read_stats,
    sampling_probabilities,
    total_pixels,
    translated_samples,
)
from mmseg.errors import DataError

STATS = [{'0': 60, '4': 10, 'file': 'a'}, {'0': 20, '2': 10, 'file': 'b'}]


def test_totals_and_order() -> None:
    assert total_pixels(STATS) == {0: 80, 2: 10, 4: 10}
    assert sampling_probabilities(STATS, 0.1)[0] == [4, 2, 0]


@pytest.mark.parametrize('temperature', [0.05, 0.5, 10.0])
def test_probabilities_are_the_softmax(temperature: float) -> None:
    weights = np.exp((1 - np.array([0.1, 0.1, 0.8])) / temperature)
    np.testing.assert_allclose(
        sampling_probabilities(STATS, temperature)[1], weights / weights.sum(), rtol=1e-5
    )


def test_infinite_temperature_is_uniform() -> None:
    np.testing.assert_allclose(sampling_probabilities(STATS, math.inf)[1], 1 / 3, rtol=1e-6)


@given(
    counts=st.dictionaries(st.integers(0, 18), st.integers(1, 10**7), min_size=1),
    temperature=st.floats(0.01, 10),
)
def test_rarer_classes_are_never_less_likely(counts: dict[int, int], temperature: float) -> None:
    stats = [{**{str(k): v for k, v in counts.items()}, 'file': 'a'}]
    classes, probabilities = sampling_probabilities(stats, temperature)
    assert [counts[c] for c in classes] == sorted(counts.values())
    assert (np.diff(probabilities) <= 0).all()
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_candidates_have_more_than_the_limit() -> None:
    samples = {0: [('a', 5), ('b', 6), ('c', 7)]}
    assert candidates(samples, [0], 5) == {0: ['b', 'c']}
    with pytest.raises(DataError, match='min_pixels=7 pixels of class 0, 3'):
        candidates(samples, [0, 3], 7)


def counted(pairs: list[tuple[int, int]]) -> Counted:
    numbers, pixels = np.array(pairs, np.int64).T
    return Counted(numbers, pixels)


def test_merged_classes_share_their_files() -> None:
    table = np.arange(256, dtype=np.uint8)
    table[3] = 2
    table[5] = 255
    samples = {2: counted([(7, 5)]), 3: counted([(7, 4), (3, 1)]), 0: counted([(3, 2)]), 5: counted([(7, 9)])}
    assert translated_samples(samples, table) == {2: [(7, 9), (3, 1)], 0: [(3, 2)]}
    stats = label_counts([[{'2': 5, '3': 4, '5': 9, 'file': 'a'}]])
    assert stats.translated(table) == [{'2': 9, 'file': 'a'}]


def test_ignored_pixels_in_statistics_are_no_class() -> None:
    stats = label_counts([[{'255': 7, '1': 2, 'file': 'a'}]])
    assert stats.translated(None) == [{'1': 2, 'file': 'a'}]
    assert translated_samples({255: counted([(0, 7)]), 1: counted([(0, 2)])}, None) == {1: [(0, 2)]}


def test_limit_of_a_crop() -> None:
    assert min_count(3000, 0.5) == 1500
    assert min_count(3000, 0) == -math.inf


def test_files_are_read_with_their_paths(tmp_path: Path) -> None:
    (tmp_path / 'sample_class_stats.json').write_text(json.dumps(STATS))
    (tmp_path / 'samples_with_class.json').write_text('{"0": [["data/gta/labels/a.png", 5]]}')
    assert read_stats(str(tmp_path), '') == STATS
    assert read_samples(str(tmp_path), '') == {0: [('data/gta/labels/a.png', 5)]}


@pytest.mark.parametrize('read', [read_stats, read_samples])
@pytest.mark.parametrize(
    'content', [None, '', '{', '[]', '{}', '3', '[1]', '{"road": [["a", 1]]}', '{"0": [["a"]]}']
)
def test_unusable_statistics_name_file_and_remedy(tmp_path: Path, read: Any, content: str | None) -> None:
    for name in ('sample_class_stats.json', 'samples_with_class.json'):
        if content is not None:
            (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=r'(sample_class_stats|samples_with_class)\.json') as error:
        read(str(tmp_path), 'Run gta.py.')
    assert 'Run gta.py.' in str(error.value) or content == ''


@pytest.mark.parametrize('count', ['1e999', '-1', '[]', '"a"', 'null', '99999999999999999999', 'NaN'])
@pytest.mark.parametrize('key', ['0', '256', '-1', 'car'])
def test_counts_and_ids_out_of_range_are_no_statistics(tmp_path, count, key) -> None:
    (tmp_path / STATS_FILE).write_text(f'[{{"{key}": {count}, "file": "a.png"}}]')
    (tmp_path / SAMPLES_FILE).write_text(f'{{"{key}": [["a.png", {count}]]}}')
    for read in (read_stats, read_samples):
        with pytest.raises(DataError, match='not the statistics of a conversion'):
            read(str(tmp_path), 'Convert again.')


def test_statistics_without_a_pixel_are_refused(tmp_path) -> None:
    (tmp_path / STATS_FILE).write_text('[{"0": 0, "file": "a.png"}]')
    with pytest.raises(DataError, match='not the statistics of a conversion'):
        read_stats(str(tmp_path), 'Convert again.')
