"""The class statistics of a source as rare class sampling uses them: its own files, its own class ids."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.label_counts import Counted, LabelCounts, Numbers, chained, together
from mmseg.datasets.matching import match_paths
from mmseg.datasets.rare_classes import read_sample_counts, read_stats, translated_samples
from mmseg.errors import ConfigError, DataError

logger = logging.getLogger(__name__)

FilesOfClass = dict[int, Counted]
"""By class id: number of the picture in the whole source, pixels."""


def source_statistics(parts: Sequence[CustomDataset]) -> tuple[LabelCounts, FilesOfClass]:
    """What the statistics files say about the single data sets of a source.

    Each ``data_root`` has one set of files; ids go through the table of the data set.

    Args:
        parts: in order; one that is repeated counts once.

    Raises:
        DataError: statistics are missing or damaged, name unknown files, or hold ids that are no classes.
        ConfigError: data sets with one ``data_root`` have different tables.
    """
    starts = np.cumsum([0, *(len(part) for part in parts)]).tolist()
    groups: dict[str, dict[int, CustomDataset]] = {}
    for start, part in zip(starts, parts, strict=False):
        members = groups.setdefault(part.statistics_folder, {})
        if all(part is not other for other in members.values()):
            members[start] = part
    found = [_of_folder(folder, members) for folder, members in groups.items()]
    files: dict[int, list[Counted]] = {}
    for _, of_folder in found:
        for class_id, counted in of_folder.items():
            files.setdefault(class_id, []).append(counted)
    return together([stats for stats, _ in found]), {c: chained(some) for c, some in files.items()}


def _of_folder(folder: str, members: dict[int, CustomDataset]) -> tuple[LabelCounts, FilesOfClass]:
    first, *others = members.values()
    if any(not _same(first.label_table, other.label_table) for other in others):
        raise ConfigError(
            f'{folder}: the data sets of this folder see their labels through different tables (reduce_zero_label, '
            'classes, class_merge, ignore_index); rare class sampling needs the same for all.'
        )
    remedy = first.statistics_remedy()
    stats = read_stats(folder, remedy)
    names, samples = read_sample_counts(folder, remedy, stats)
    stats = stats.translated(first.label_table)
    samples = translated_samples(samples, first.label_table)
    numbers = np.concatenate([np.arange(start, start + len(part)) for start, part in members.items()])
    labels = [label for part in members.values() for label in _label_paths(part)]
    used = np.unique(np.concatenate([np.zeros(0, np.int64), *(files.numbers for files in samples.values())]))
    further = () if names is stats.files else (names[int(i)] for i in used)
    found = match_paths(chain(stats.files, further), labels)
    counted = _places(stats.files, found)
    places = _places(names, found)
    if (
        any(part.split for part in members.values()) and found
    ):  # label maps of all splits may have been counted
        stats, counted = stats.chosen(counted >= 0), counted[counted >= 0]
        kept = {c: files.chosen(places[files.numbers] >= 0) for c, files in samples.items()}
        samples = {c: files for c, files in kept.items() if len(files)}
    elif len(unknown := [i for i in used if places[i] < 0]):
        first_unknown = next(i for files in samples.values() for i in files.numbers if places[i] < 0)
        raise DataError(
            f'{folder}: the statistics name {len(unknown)} label maps without a picture in '
            f'{first.img_dir}, for instance {names[int(first_unknown)]}. The statistics belong to other files. {remedy}'
        )
    _check_ids(folder, stats.totals(), first, remedy)
    _warn_of_uncounted(folder, labels, counted, remedy)
    return stats, {c: Counted(numbers[places[f.numbers]], f.pixels) for c, f in samples.items()}


def _label_paths(part: CustomDataset) -> Iterator[str]:
    return (os.path.join(part.ann_dir or '', info['ann'].get('seg_map', '')) for info in part.img_infos)


def _places(names: Iterable[str], found: Mapping[str, int]) -> Numbers:
    """What was found for each name, int64; -1 for nothing."""
    return np.array([found.get(name, -1) for name in names], np.int64)


def counts_by_picture(part: CustomDataset) -> dict[str, dict[int, int]]:
    """Pixels by class behind the table, as the statistics have them, by picture.

    Raises:
        DataError: statistics are missing or damaged.
    """
    remedy = part.statistics_remedy()
    stats = read_stats(part.statistics_folder, remedy).translated(part.label_table)
    number_of = {name: number for number, name in enumerate(stats.files)}
    return {
        part.img_infos[number]['filename']: {
            int(c): int(n) for c, n in stats[number_of[name]].items() if c != 'file'
        }
        for name, number in match_paths(number_of, list(_label_paths(part))).items()
    }


def _warn_of_uncounted(folder: str, labels: Sequence[str], places: Numbers, remedy: str) -> None:
    """Say how many label maps the statistics lack: rare class sampling never draws them."""
    counted = {labels[i] for i in places if i >= 0}
    missing = [label for label in dict.fromkeys(labels) if label not in counted]
    if missing and counted:
        logger.warning(
            '%s: the statistics lack %d of %d label maps (%s, ...), which rare class sampling never draws. %s',
            folder, len(missing), len(labels), missing[0], remedy,
        )  # fmt: skip


def _check_ids(folder: str, totals: Mapping[int, int], dataset: CustomDataset, remedy: str) -> None:
    count = len(dataset.CLASSES or ())
    ids = sorted(totals)
    foreign = [i for i in ids if count and i >= count]
    if foreign or not ids:
        found = f'count ids {foreign[:10]}' if foreign else 'count no pixel of any class'
        raise DataError(
            f'{folder}: the statistics {found}; the data set has the classes 0..{count - 1} (after reduce_zero_label, '
            f'classes, class_merge and ignore_index). {remedy}'
        )


def _same(first: Any, second: Any) -> bool:
    return (first is None and second is None) or (
        first is not None and second is not None and bool(np.array_equal(first, second))
    )
