"""Rare class sampling: the arithmetic and the statistics files (docs/methods/pairs.md#rare-class-sampling)."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.label_table import IGNORED, Table
from mmseg.errors import DataError
from mmseg.fileio import read_json

STATS_FILE = 'sample_class_stats.json'
SAMPLES_FILE = 'samples_with_class.json'
LARGEST_ID = 255
MOST_PIXELS = 2**63 - 1
ClassCounts = dict[int, int]
Samples = dict[int, list[tuple[str, int]]]
File = TypeVar('File', str, int)


def total_pixels(stats: Sequence[Mapping[str, Any]]) -> ClassCounts:
    """Pixels of each class over all files, in order of first appearance.

    Args:
        stats: the content of ``sample_class_stats.json``.
    """
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


def translated_stats(stats: Sequence[Mapping[str, Any]], table: Table | None) -> list[dict[str, Any]]:
    """Statistics with the ids behind a data set's table; ignored ones are left out."""
    return [_translated_entry(entry, np.arange(256) if table is None else table) for entry in stats]


def _translated_entry(entry: Mapping[str, Any], table: NDArray[np.integer]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in entry.items():
        if key == 'file':
            result[key] = value
        elif (class_id := int(table[int(key)])) != IGNORED:
            result[str(class_id)] = result.get(str(class_id), 0) + int(value)
    return result


def translated_samples(samples: Samples, table: Table | None) -> Samples:
    """Candidates by the ids behind a data set's table: counts of a file are added up, ignored ids are left out."""
    if table is None:
        return {class_id: files for class_id, files in samples.items() if class_id != IGNORED}
    merged: dict[int, dict[str, int]] = {}
    for class_id, files in samples.items():
        if (target := int(table[class_id])) == IGNORED:
            continue
        counts = merged.setdefault(target, {})
        for name, count in files:
            counts[name] = counts.get(name, 0) + count
    return {class_id: list(counts.items()) for class_id, counts in merged.items()}


def candidates(
    samples: Mapping[int, Sequence[tuple[File, int]]], classes: Sequence[int], min_pixels: int
) -> dict[int, list[File]]:
    """The files (names or numbers) with more than ``min_pixels`` pixels of each class, in the order of the statistics.

    Raises:
        DataError: a class has no such file.
    """
    chosen = {
        class_id: [name for name, count in samples.get(class_id, []) if count > min_pixels]
        for class_id in classes
    }
    if empty := [class_id for class_id, names in chosen.items() if not names]:
        raise DataError(
            f'rare class sampling: no label map has more than min_pixels={min_pixels} pixels of class '
            f'{", ".join(map(str, empty))}. Lower rare_class_sampling.min_pixels, or count the '
            'label maps again.'
        )
    return chosen


def read_stats(folder: str, remedy: str) -> list[dict[str, Any]]:
    """``sample_class_stats.json`` of a data set."""
    content = _read_json(folder, STATS_FILE, list, remedy)
    try:
        for entry in content:
            for key in entry.keys() - {'file'}:
                _class_id(key), _pixels(entry[key])
        if not any(total_pixels(content).values()):
            raise ValueError('no pixel of any class')
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            _unexpected(folder, STATS_FILE, '[{"0": pixels, ..., "file": name}, ...]', remedy)
        ) from error
    return content


def read_samples(folder: str, remedy: str) -> Samples:
    """``samples_with_class.json`` of a data set."""
    content = _read_json(folder, SAMPLES_FILE, dict, remedy)
    try:
        return {
            _class_id(class_id): [(str(name), _pixels(count)) for name, count in files]
            for class_id, files in content.items()
        }
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            _unexpected(folder, SAMPLES_FILE, '{"0": [[name, pixels], ...], ...}', remedy)
        ) from error


def _class_id(value: str) -> int:
    number = int(value)
    if not 0 <= number <= LARGEST_ID:
        raise ValueError(f'class id {number}')
    return number


def _pixels(value: float) -> int:
    number = int(value)
    if not 0 <= number <= MOST_PIXELS:
        raise ValueError(f'{number} pixels')
    return number


def _unexpected(folder: str, name: str, layout: str, remedy: str) -> str:
    return f'{Path(folder) / name}: not the statistics of a conversion; expected {layout}. {remedy}'


def _read_json(folder: str, name: str, kind: type, remedy: str) -> Any:
    path = Path(folder) / name
    if not path.is_file():
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
