"""Counting label maps as they are, for rare class sampling on data whose ids need no conversion."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.files import find_files, missing_files
from mmseg.datasets.label_table import IGNORED, Table
from mmseg.datasets.rare_classes import writable_folder
from mmseg.datasets.transforms.geometry import count_ids
from mmseg.datasets.transforms.reading import apply_table, check_ids, read_label_map
from mmseg.errors import DataError
from mmseg.fileio import is_folder
from mmseg.in_order import in_order
from mmseg.toolbox.checking.own import label_path
from mmseg.toolbox.preparation.statistics_files import LabelStats, write_statistics


def count_folder(
    folder: str, suffix: str, out_dir: str | None = None, threads: int = 2, progress: bool = False
) -> list[str]:
    """Count all label maps below a folder and write the three statistics files.

    Args:
        folder: searched recursively.
        suffix: ending of the label maps.
        out_dir: where to; the folder above by default, which mostly is the ``data_root``.
        threads: label maps read at the same time.
        progress: show a bar.

    Raises:
        DataError: there is no label map, one cannot be read, or none has a pixel of a class.
    """
    names = find_files(folder, suffix) if is_folder(folder) else []
    if not names:
        raise missing_files('label maps', folder, suffix, 'Name the folder of the label maps, and --suffix.')
    paths = (os.path.join(folder, name) for name in names)
    counted = ((item, None) for item in _count(paths, len(names), None, threads, progress))
    out_dir = out_dir or writable_folder(str(Path(folder).absolute().parent))
    os.makedirs(out_dir, exist_ok=True)
    return write_statistics(out_dir, _learned(counted, folder))


def count_source(
    parts: Sequence[CustomDataset], out_dir: str | None = None, threads: int = 2, progress: bool = False
) -> list[str]:
    """Count the label maps of the single data sets of a source and write the statistics of each ``data_root``.

    The files hold the ids of the label maps, since rare class sampling looks them up in the table of the data set as it
    does those of label maps; what is no class behind the table is an error.

    Raises:
        DataError: a label map is missing or cannot be read, has an id that is no class, or none has a pixel of one.
    """
    roots: dict[str, list[CustomDataset]] = {}
    for part in dict.fromkeys(parts):
        roots.setdefault(out_dir or writable_folder(part.data_root or '.'), []).append(part)
    written = []
    for root, members in roots.items():
        os.makedirs(root, exist_ok=True)
        counted = (
            (item, part.label_table)
            for part in members
            for item in _count(_labels(part), len(part), part, threads, progress)
        )
        written += write_statistics(root, _learned(counted, members[0].ann_dir))
    return written


def _learned(counted: Iterable[tuple[LabelStats, Table | None]], folder: str | None) -> Iterator[LabelStats]:
    """Label maps, which come with their tables, one by one; DataError in the end if none of their ids is learned."""
    number, found = 0, False
    for item, table in counted:
        number += 1
        found = found or any(table is None or table[class_id] != IGNORED for class_id in item.counts)
        yield item
    if not found:
        raise DataError(
            f'{folder}: no pixel of any class in {number} label maps, all are ignored (the id {IGNORED}, or what '
            'reduce_zero_label, classes and ignore_index leave out). Are these the right files? Label maps hold 0 for '
            'the first class, 1 for the second, ...'
        )


def _labels(part: CustomDataset) -> Iterator[str]:
    part.check_labels()
    return (label_path(part, index) or '' for index in range(len(part)))


def _count(
    paths: Iterable[str], number: int, part: CustomDataset | None, threads: int, progress: bool
) -> Iterator[LabelStats]:
    with ThreadPoolExecutor(threads) as pool:
        counted = in_order(pool, partial(_count_one, part=part), paths, 4 * threads)
        yield from tqdm(counted, 'label maps', number, unit='map', disable=not progress)


def _count_one(path: str, part: CustomDataset | None) -> LabelStats:
    label = read_label_map(path, part.remedy() if part else '')
    if part is not None:
        classes = len(part.CLASSES or ()) or None
        check_ids(apply_table(label, part.label_table), classes, path, part.ids_remedy())
    counts = count_ids(label)
    present = {int(i): int(counts[i]) for i in np.flatnonzero(counts) if i != IGNORED}
    return LabelStats(path.replace(os.sep, '/'), present)
