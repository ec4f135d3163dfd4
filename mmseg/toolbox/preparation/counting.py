"""Counting label maps as they are, for rare class sampling on data whose ids need no conversion."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.files import find_files, missing_files
from mmseg.datasets.label_table import IGNORED
from mmseg.datasets.rare_classes import translated_stats
from mmseg.datasets.transforms.geometry import count_ids
from mmseg.datasets.transforms.reading import apply_table, check_ids, read_label_map
from mmseg.errors import DataError
from mmseg.toolbox.checking.own import label_path
from mmseg.toolbox.preparation.conversion import LabelStats, write_statistics


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
    names = find_files(folder, suffix) if os.path.isdir(folder) else []
    if not names:
        raise missing_files('label maps', folder, suffix, 'Name the folder of the label maps, and --suffix.')
    paths = [os.path.join(folder, name) for name in names]
    stats = _count(paths, None, threads, progress)
    _check_pixels([item.counts for item in stats], folder)
    return write_statistics(out_dir or str(Path(folder).absolute().parent), stats)


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
        roots.setdefault(out_dir or part.data_root or '.', []).append(part)
    written = []
    for root, members in roots.items():
        stats, learned = [], []
        for part in members:
            counted = _count(_labels(part), part, threads, progress)
            stats += counted
            learned += translated_stats(
                [{str(i): pixels for i, pixels in item.counts.items()} for item in counted], part.label_table
            )
        _check_pixels(learned, members[0].ann_dir)
        os.makedirs(root, exist_ok=True)
        written += write_statistics(root, stats)
    return written


def _check_pixels(counts: Sequence[Mapping[Any, int]], folder: str | None) -> None:
    """Raise DataError if the counts of label maps, which are of the ids that are learned, are all empty."""
    if not any(counts):
        raise DataError(
            f'{folder}: no pixel of any class in {len(counts)} label maps, all are ignored (the id {IGNORED}, or what '
            'reduce_zero_label, classes and ignore_index leave out). Are these the right files? Label maps hold 0 for '
            'the first class, 1 for the second, ...'
        )


def _labels(part: CustomDataset) -> list[str]:
    part.check_labels()
    return [label_path(part, index) or '' for index in range(len(part))]


def _count(
    paths: Sequence[str], part: CustomDataset | None, threads: int, progress: bool
) -> list[LabelStats]:
    with ThreadPoolExecutor(threads) as pool:
        counted = pool.map(partial(_count_one, part=part), paths)
        return list(tqdm(counted, 'label maps', len(paths), unit='map', disable=not progress))


def _count_one(path: str, part: CustomDataset | None) -> LabelStats:
    label = read_label_map(path, part.remedy() if part else '')
    if part is not None:
        classes = len(part.CLASSES or ()) or None
        check_ids(apply_table(label, part.label_table), classes, path, part.ids_remedy())
    counts = count_ids(label)
    present = {int(i): int(counts[i]) for i in np.flatnonzero(counts) if i != IGNORED}
    return LabelStats(path.replace(os.sep, '/'), present)
