"""The three statistics files are written as labels come, byte for byte as from one big document."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmseg.toolbox.preparation.statistics_files import SUMS, LabelStats, Names, write_statistics

NAMES = ('sample_class_stats.json', 'sample_class_stats_dict.json', 'samples_with_class.json')


def at_once(stats: list[LabelStats]) -> list[str]:
    """The published files, from documents in memory."""
    with_class: dict[str, list[Any]] = {}
    for item in stats:
        for train, count in item.counts.items():
            with_class.setdefault(str(train), []).append([item.file, count])
    texts = [{str(train): count for train, count in item.counts.items()} for item in stats]
    documents: list[Any] = [
        [{**text, 'file': item.file} for text, item in zip(texts, stats, strict=True)],
        {item.file: text for text, item in zip(texts, stats, strict=True)},
        with_class,
    ]
    return [json.dumps(document, indent=2) for document in documents]


def drawn(count: int) -> Iterator[LabelStats]:
    rng = np.random.default_rng(0)
    for number in range(count):
        ids = rng.choice(19, rng.integers(0, 19), replace=False).tolist()
        yield LabelStats(f'data/öff "{number}"\\a\nb.png', {i: int(rng.integers(2**40)) for i in ids})


@pytest.mark.parametrize('count', [0, 1, 700])
def test_files_equal_documents_written_at_once(tmp_path: Path, count: int) -> None:
    write_statistics(str(tmp_path), drawn(count))
    assert [(tmp_path / name).read_text() for name in NAMES] == at_once(list(drawn(count)))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def test_a_label_that_comes_twice(tmp_path: Path) -> None:
    stats = [LabelStats('a', {1: 2}), LabelStats('b', {}), LabelStats('a', {3: 4})]
    write_statistics(str(tmp_path), iter(stats))
    assert [(tmp_path / name).read_text() for name in NAMES] == at_once(stats)


def test_an_error_on_the_way_leaves_the_files_as_they_were(tmp_path: Path) -> None:
    write_statistics(str(tmp_path), drawn(3))

    def damaged() -> Iterator[LabelStats]:
        yield from drawn(5)
        raise EOFError

    with pytest.raises(EOFError):
        write_statistics(str(tmp_path), damaged())
    assert [(tmp_path / name).read_text() for name in NAMES] == at_once(list(drawn(3)))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def peak(make: Callable[[], object]) -> int:
    """Most bytes that were in use at the same time."""
    tracemalloc.start()
    make()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_memory_does_not_grow_with_the_labels(tmp_path: Path) -> None:
    few, many = (peak(lambda n=n: write_statistics(str(tmp_path), drawn(n))) for n in (2_000, 20_000))
    assert many - few < 18_000 * 20, 'buffers that were not full yet'


@pytest.mark.parametrize('count', [0, 1, 1_000, 3 * SUMS + 5])
def test_repeated_names_are_found(count: int, tmp_path: Path) -> None:
    names = Names(tmp_path / 'names')
    for number in range(count):
        names.add(str(number))
    assert not names.repeated()
    names.add('0')
    assert names.repeated() == (count > 0)


def test_names_need_the_same_memory_however_many_there_are(tmp_path: Path) -> None:
    def look(count: int) -> None:
        names = Names(tmp_path / str(count))
        for number in range(count):
            names.add(f'{number:09}')
        assert not names.repeated()

    few, many = (peak(lambda n=n: look(n)) for n in (2 * SUMS, 10 * SUMS))
    assert many < 1.2 * few
