"""The class statistics of a source as rare class sampling uses them: its own files, its own class ids."""

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.files import match_paths
from mmseg.datasets.rare_classes import (
    read_samples,
    read_stats,
    translated_samples,
    translated_stats,
)
from mmseg.errors import ConfigError, DataError

logger = logging.getLogger(__name__)

Stats = list[dict[str, Any]]
FilesOfClass = dict[int, list[tuple[int, int]]]
"""By class id: number of the picture in the whole source, pixels."""


def source_statistics(parts: Sequence[CustomDataset]) -> tuple[Stats, FilesOfClass]:
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
        members = groups.setdefault(part.data_root or '.', {})
        if all(part is not other for other in members.values()):
            members[start] = part
    stats: Stats = []
    files: FilesOfClass = {}
    for folder, members in groups.items():
        found, samples = _of_folder(folder, members)
        stats += found
        for class_id, entries in samples.items():
            files.setdefault(class_id, []).extend(entries)
    return stats, files


def _of_folder(folder: str, members: dict[int, CustomDataset]) -> tuple[Stats, FilesOfClass]:
    first, *others = members.values()
    if any(not _same(first.label_table, other.label_table) for other in others):
        raise ConfigError(
            f'{folder}: the data sets of this folder see their labels through different tables (reduce_zero_label, '
            'classes, class_merge, ignore_index); rare class sampling needs the same for all.'
        )
    remedy = first.statistics_remedy()
    stats = translated_stats(read_stats(folder, remedy), first.label_table)
    samples = translated_samples(read_samples(folder, remedy), first.label_table)
    numbers: list[int] = []
    labels: list[str] = []
    for start, part in members.items():
        numbers += range(start, start + len(part))
        labels += [
            os.path.join(part.ann_dir or '', info['ann'].get('seg_map', '')) for info in part.img_infos
        ]
    counted = [str(entry.get('file', '')) for entry in stats]
    names = [name for entries in samples.values() for name, _ in entries]
    found = match_paths([*counted, *names], labels)
    if (
        any(part.split for part in members.values()) and found
    ):  # label maps of all splits may have been counted
        stats = [entry for entry, name in zip(stats, counted, strict=True) if name in found]
        samples = {
            c: some for c, entries in samples.items() if (some := [e for e in entries if e[0] in found])
        }
    elif unknown := dict.fromkeys(name for name in names if name not in found):
        raise DataError(
            f'{folder}: the statistics name {len(unknown)} label maps without a picture in '
            f'{first.img_dir}, for instance {next(iter(unknown))}. The statistics belong to other files. {remedy}'
        )
    _check_ids(folder, stats, first, remedy)
    _warn_of_uncounted(folder, labels, {labels[found[name]] for name in counted if name in found}, remedy)
    return stats, {
        class_id: [(numbers[found[name]], count) for name, count in entries]
        for class_id, entries in samples.items()
    }


def counts_by_picture(part: CustomDataset) -> dict[str, dict[int, int]]:
    """Pixels by class behind the table, as the statistics have them, by picture.

    Raises:
        DataError: statistics are missing or damaged.
    """
    remedy = part.statistics_remedy()
    stats = translated_stats(read_stats(part.data_root or '.', remedy), part.label_table)
    labels = [os.path.join(part.ann_dir or '', info['ann'].get('seg_map', '')) for info in part.img_infos]
    entries = {str(entry.get('file', '')): entry for entry in stats}
    return {
        part.img_infos[number]['filename']: {int(c): int(n) for c, n in entries[name].items() if c != 'file'}
        for name, number in match_paths(entries, labels).items()
    }


def _warn_of_uncounted(folder: str, labels: Sequence[str], counted: set[str], remedy: str) -> None:
    """Say how many label maps the statistics lack: rare class sampling never draws them."""
    missing = [label for label in dict.fromkeys(labels) if label not in counted]
    if missing and counted:
        logger.warning(
            '%s: the statistics lack %d of %d label maps (%s, ...), which rare class sampling never draws. %s',
            folder, len(missing), len(labels), missing[0], remedy,
        )  # fmt: skip


def _check_ids(folder: str, stats: Stats, dataset: CustomDataset, remedy: str) -> None:
    count = len(dataset.CLASSES or ())
    ids = sorted({int(key) for entry in stats for key in entry if key != 'file'})
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
