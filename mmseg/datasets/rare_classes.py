"""Rare class sampling: the arithmetic and the statistics files (docs/methods/pairs.md#rare-class-sampling)."""

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mmseg.archives import divided
from mmseg.datasets.label_counts import Counted, LabelCounts, joined, label_counts, sample_counts
from mmseg.datasets.label_table import IGNORED, Table
from mmseg.datasets.repeated_counts import repeated_counts
from mmseg.errors import DataError
from mmseg.fileio import exists, read_json
from mmseg.json_stream import list_blocks, lists_by_key
from mmseg.names import Names

STATS_FILE = 'sample_class_stats.json'
SAMPLES_FILE = 'samples_with_class.json'
ClassCounts = dict[int, int]
Samples = dict[int, list[tuple[str, int]]]
File = TypeVar('File', str, int)


def total_pixels(stats: Sequence[Mapping[str, Any]]) -> ClassCounts:
    """Pixels of each class over all files, in order of first appearance.

    Args:
        stats: the content of ``sample_class_stats.json``.
    """
    if isinstance(stats, LabelCounts):
        return stats.totals()
    totals: ClassCounts = {}
    for entry in stats:
        for key, count in entry.items():
            if key != 'file':
                totals[int(key)] = totals.get(int(key), 0) + int(count)
    return totals


def sampling_probabilities(
    stats: Sequence[Mapping[str, Any]], temperature: float
) -> tuple[list[int], NDArray[np.float32]]:
    """Classes from rare to frequent and the probability of sampling each.

    Args:
        stats: the content of ``sample_class_stats.json``.
        temperature: T of softmax((1 - share) / T); infinity gives equal probabilities.

    Returns:
        class ids that occur, ascending by pixel count (ties as they first appear), and their probabilities (float32).
    """
    ordered = sorted(total_pixels(stats).items(), key=lambda item: item[1])
    counts = np.array([count for _, count in ordered], dtype=np.float32)
    rarity = (1 - counts / counts.sum()) / np.float32(temperature)
    weights = np.exp(rarity - rarity.max())
    return [class_id for class_id, _ in ordered], (weights / weights.sum()).astype(np.float32)


def translated_samples(samples: Mapping[int, Counted], table: Table | None) -> dict[int, Counted]:
    """Candidates by the ids behind a data set's table: counts of a file are added up, ignored ids are left out."""
    if table is None:
        return {class_id: files for class_id, files in samples.items() if class_id != IGNORED}
    merged: dict[int, list[Counted]] = {}
    for class_id, files in samples.items():
        if (target := int(table[class_id])) != IGNORED:
            merged.setdefault(target, []).append(files)
    return {class_id: joined(parts) for class_id, parts in merged.items()}


def candidates(
    samples: Mapping[int, Sequence[tuple[File, int]]], classes: Sequence[int], min_pixels: int
) -> dict[int, Sequence[File]]:
    """The files (names or numbers) with more than ``min_pixels`` pixels of each class, in the order of the statistics.

    Raises:
        DataError: a class has no such file.
    """
    chosen = {class_id: _above(samples.get(class_id, ()), min_pixels) for class_id in classes}
    if empty := [class_id for class_id, names in chosen.items() if not len(names)]:
        raise DataError(
            f'rare class sampling: no label map has more than min_pixels={min_pixels} pixels of class '
            f'{", ".join(map(str, empty))}. Lower rare_class_sampling.min_pixels, or count the '
            'label maps again.'
        )
    return chosen


def _above(files: Any, min_pixels: int) -> Any:
    if isinstance(files, Counted):
        return files.numbers[files.pixels > min_pixels]
    return [name for name, count in files if count > min_pixels]


def statistics_folder(data_root: str) -> str:
    """Where the statistics of a data set are: in its ``data_root``, those of an archive else beside it."""
    beside = writable_folder(data_root)
    inside = not exists(os.path.join(beside, STATS_FILE)) and exists(os.path.join(data_root, STATS_FILE))
    return data_root if inside else beside


def writable_folder(data_root: str) -> str:
    """``data_root``, for one in an archive the folder beside it that is named like it without the ending."""
    place = divided(data_root)
    return data_root if place is None else os.path.join(os.path.splitext(place[0])[0], place[1]).rstrip('/')


def read_stats(folder: str, remedy: str) -> LabelCounts:
    """``sample_class_stats.json`` of a data set."""
    return _read(folder, STATS_FILE, list, _stats, remedy)


def read_sample_counts(
    folder: str, remedy: str, stats: LabelCounts | None = None
) -> tuple[Names, dict[int, Counted]]:
    """``samples_with_class.json`` of a data set: names of label maps, and by class their numbers among these.

    Args:
        folder: where it is.
        remedy: what to do if it cannot be read.
        stats: what :func:`read_stats` gave for the folder; a file that repeats it need not be understood.
    """
    if stats is not None:
        with contextlib.suppress(OSError), open(os.path.join(folder, SAMPLES_FILE), 'rb') as file:
            if (counted := repeated_counts(stats, file)) is not None:
                return stats.files, counted
    return _read(folder, SAMPLES_FILE, dict, sample_counts, remedy)


def read_samples(folder: str, remedy: str) -> Samples:
    """``samples_with_class.json`` of a data set."""
    names, counted = read_sample_counts(folder, remedy)
    return {class_id: [(names[i], count) for i, count in files] for class_id, files in counted.items()}


LAYOUTS = {
    STATS_FILE: '[{"0": pixels, ..., "file": name}, ...]',
    SAMPLES_FILE: '{"0": [[name, pixels], ...], ...}',
}


def _stats(blocks: Iterable[Sequence[Mapping[str, Any]]]) -> LabelCounts:
    stats = label_counts(blocks)
    if not any(stats.totals().values()):
        raise ValueError('no pixel of any class')
    return stats


def _read(folder: str, name: str, kind: type, understand: Callable[[Any], Any], remedy: str) -> Any:
    """What a statistics file holds, read a block at a time; one that is unusual is read again as a whole."""
    usual = contextlib.suppress(AttributeError, TypeError, ValueError, OverflowError, RecursionError, OSError)
    with usual, open(os.path.join(folder, name), 'rb') as file:
        return understand(list_blocks(file) if kind is list else lists_by_key(file))
    content = _read_json(folder, name, kind, remedy)
    try:
        return understand([content] if kind is list else content.items())
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise DataError(_unexpected(folder, name, LAYOUTS[name], remedy)) from error


def _unexpected(folder: str, name: str, layout: str, remedy: str) -> str:
    return f'{Path(folder) / name}: not the statistics of a conversion; expected {layout}. {remedy}'


def _read_json(folder: str, name: str, kind: type, remedy: str) -> Any:
    path = Path(folder) / name
    if not exists(path):
        found = sum(1 for _ in Path(folder).glob('*.json')) if Path(folder).is_dir() else 0
        raise DataError(
            f'{path}: the statistics that rare class sampling needs are missing ({found} JSON files in '
            f'{folder}). {remedy}'
        )
    try:
        content = read_json(path)
    except DataError as error:
        raise DataError(f'{path}: damaged statistics file ({error}). {remedy}') from error
    if not isinstance(content, kind) or not content:
        raise DataError(
            f'{path}: found a {type(content).__name__} with '
            f'{len(content) if hasattr(content, "__len__") else 0} entries; expected a filled '
            f'{kind.__name__}. {remedy}'
        )
    return content


def min_count(min_pixels: int, min_crop_ratio: float) -> float:
    """A crop is accepted with more pixels of the drawn class than this; -infinity if the ratio is 0."""
    return min_pixels * min_crop_ratio if min_crop_ratio > 0 else -math.inf
