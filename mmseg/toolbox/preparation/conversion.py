"""Raw labels of GTA, SYNTHIA, Cityscapes and Mapillary -> train ids and class statistics (docs/methods/conversion.md).

Every pixel goes through one look-up table and is counted once. The three statistics files have the published
names and schemas and equal the published ones byte for byte. Formats: mmseg.toolbox.preparation.label_formats.
"""

import contextlib
import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain

import cv2
import numpy as np
from tqdm import tqdm

from mmseg.datasets.files import walk_files
from mmseg.errors import DataError
from mmseg.fileio import atomic_write, is_folder, write_label_png
from mmseg.in_order import in_order
from mmseg.names import Names
from mmseg.toolbox.preparation.label_formats import (
    CITYSCAPES,
    FORMATS,
    IGNORE,
    POLYGONS,
    SPLITS,
    TRAIN_IDS,
    LabelFormat,
    damaged_label,
)
from mmseg.toolbox.preparation.statistics_files import LabelStats, write_statistics


@dataclass(frozen=True)
class Conversion:
    """Of a data set: number of labels written, where the statistics are, ids that it does not define."""

    labels: int
    statistics: tuple[str, ...]
    unknown: tuple[int, ...]


def lookup_table(table: dict[int, int], size: int) -> np.ndarray:
    """uint8 array of ``size`` entries, raw id -> train id, 255 for ids that ``table`` lacks."""
    lookup = np.full(size, IGNORE, np.uint8)
    lookup[list(table)] = list(table.values())
    return lookup


@cache
def _lookup(format_name: str, size: int) -> np.ndarray:
    return lookup_table(FORMATS[format_name].table, size)


def convert_label(path: str, label_format: LabelFormat) -> LabelStats:
    """Convert one label file; writes ``..._labelTrainIds.png`` beside it (8-bit grey).

    Quirk: where several raw ids share a train id (Mapillary), the count of the last one in table order stands
    instead of their sum, as published. Label maps are right.
    """
    raw = np.ascontiguousarray(label_format.read(path))
    if raw.dtype not in (np.uint8, np.uint16):
        raise damaged_label(path, f'its pixels are {raw.dtype}, not 8 or 16 bit integers')
    if raw.dtype == np.uint16 and raw.max() <= 255:
        raw = raw.astype(np.uint8)  # SYNTHIA: the 8-bit path below is several times faster
    lookup = _lookup(label_format.name, 256 if raw.dtype == np.uint8 else 65536)
    target = path[: -len(label_format.replaced)] + TRAIN_IDS
    write_label_png(target, cv2.LUT(raw, lookup) if raw.dtype == np.uint8 else lookup[raw])
    pixels = _count(raw)
    counts = {train: int(pixels[raw_id]) for raw_id, train in label_format.table.items() if pixels[raw_id]}
    unknown = np.flatnonzero(pixels[label_format.ids :]) + label_format.ids
    return LabelStats(target, counts, tuple(unknown.tolist()))


def convert(
    root: str,
    label_format: LabelFormat,
    gt_dir: str | None = None,
    out_dir: str | None = None,
    nproc: int | None = None,
    progress: bool = True,
) -> Conversion:
    """Convert all labels of a data set and write its statistics.

    Args:
        root: data path; file names in the statistics begin with it as given.
        label_format: one of GTA, SYNTHIA, MAPILLARY, CITYSCAPES.
        gt_dir: label folder below ``root``; None = the format's default.
        out_dir: where the statistics go; None = ``root``.
        nproc: processes, 1 = in this one; None = the format's default.
        progress: show a progress bar on stderr.

    Raises:
        DataError: no labels found, a label is damaged, or no pixel has a class; names the folder or file.
    """
    folder = os.path.join(root, label_format.folder if gt_dir is None else gt_dir)
    paths = find_labels(folder, label_format)
    splits = split_lists(folder) if label_format is CITYSCAPES else {}
    out_dir = root if out_dir is None else out_dir
    os.makedirs(out_dir, exist_ok=True)
    unknown: set[int] = set()
    done = _run(paths, label_format, label_format.nproc if nproc is None else nproc, progress)
    written = write_statistics(out_dir, _counted(done, folder, label_format, unknown))
    for split, names in splits.items():
        _write_text(os.path.join(out_dir, f'{split}.txt'), ''.join(f'{name}\n' for name in names))
    return Conversion(len(paths), tuple(written), tuple(sorted(unknown)))


def _counted(
    done: Iterable[LabelStats], folder: str, label_format: LabelFormat, unknown: set[int]
) -> Iterator[LabelStats]:
    """The labels that enter the statistics, as they come; ids that no table has are added to ``unknown``.

    Raises:
        DataError: every pixel of every label became 255: the files are something else.
    """
    number, found = 0, False
    for item in done:
        number += 1
        found = found or bool(item.counts)
        unknown.update(item.unknown)
        if label_format.counted in _relative(item.file, folder):
            yield item
    if found:
        return
    raise DataError(
        f'{folder}: every pixel of all {number} labels became {IGNORE} (ignored), so these are not the raw ids of '
        f'{label_format.name} but, perhaps, colour pictures or ids of another data set. Expected are the label files '
        f'of {label_format.name} as published; for labels of your own write a configuration and run '
        'tools/class_statistics.py.'
    )


def find_labels(folder: str, label_format: LabelFormat) -> Names:
    """Sorted paths of the labels to convert, searched recursively; what a conversion wrote is none of them.

    The published program for Mapillary takes every PNG, so that its second run converts its own results.

    Raises:
        DataError: the folder or its labels are missing.
    """
    if not os.path.isdir(folder) and is_folder(folder):
        raise DataError(
            f'{folder} is in an archive; train ids are written beside the raw labels. Unpack the labels (pictures may '
            'stay packed).'
        )
    if not os.path.isdir(folder):
        raise DataError(
            f'The {label_format.name} label folder {folder} does not exist. Expected are labels ending in '
            f'{_endings(label_format)} below it: unpack the data set there, or name its folder with --gt-dir.'
        )
    found = [p for p in walk_files(folder) if p.endswith(label_format.endings) and not p.endswith(TRAIN_IDS)]
    if not found:
        files = sum(1 for _ in walk_files(folder))
        raise DataError(
            f'{folder} holds no {label_format.name} label: {files} files were found, no raw label ending in '
            f'{_endings(label_format)}. Unpack the data set there, or name its label folder with --gt-dir.'
        )
    found.sort()
    return Names(found)


def split_lists(folder: str) -> dict[str, list[str]]:
    """Cityscapes: split -> sorted names like ``aachen/aachen_000000_000019``. All three must exist."""
    missing = [split for split in SPLITS if not os.path.isdir(os.path.join(folder, split))]
    if missing:
        raise DataError(
            f'{folder} lacks the split folder(s) {", ".join(missing)}; Cityscapes has train, val and test. '
            'Unpack gtFine_trainvaltest.zip completely.'
        )
    ending = '_gtFine' + POLYGONS
    lists = {}
    for split in SPLITS:
        base = os.path.join(folder, split)
        found = (_relative(path, base) for path in walk_files(base) if path.endswith(POLYGONS))
        lists[split] = sorted(name.replace(ending, '') for name in found)
    return lists


def _count(raw: np.ndarray) -> np.ndarray:
    """Pixels per id, int64 (256,) or (65536,)."""
    if raw.dtype == np.uint8 and raw.size < 2**24:  # above, the float32 counts of OpenCV would not be exact
        return cv2.calcHist([raw], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    return np.bincount(raw.ravel(), minlength=256 if raw.dtype == np.uint8 else 65536)


def _run(paths: Sequence[str], label_format: LabelFormat, nproc: int, progress: bool) -> Iterator[LabelStats]:
    with contextlib.ExitStack() as stack:
        results: Iterator[LabelStats]
        if nproc <= 1 or len(paths) == 1:
            results = map(partial(convert_label, label_format=label_format), paths)
        else:
            # Forked workers start at once; OpenCV's own threads must stay off in them or they may deadlock.
            method = 'fork' if 'fork' in multiprocessing.get_all_start_methods() else 'spawn'
            context = multiprocessing.get_context(method)
            workers = min(nproc, len(paths))
            pool = stack.enter_context(ProcessPoolExecutor(workers, context, cv2.setNumThreads, (0,)))
            size = max(1, min(16, len(paths) // (4 * workers)))
            chunks = (paths[start : start + size] for start in range(0, len(paths), size))
            convert_chunk = partial(_convert_chunk, label_format=label_format)
            results = chain.from_iterable(in_order(pool, convert_chunk, chunks, 4 * workers))
        yield from tqdm(results, label_format.name, len(paths), unit='label', disable=not progress)


def _convert_chunk(paths: list[str], label_format: LabelFormat) -> list[LabelStats]:
    return [convert_label(path, label_format) for path in paths]


def _endings(label_format: LabelFormat) -> str:
    return ' or '.join(label_format.endings) if len(label_format.endings) == 1 else 'a digit and .png'


def _relative(path: str, folder: str) -> str:
    return os.path.relpath(path, folder).replace(os.sep, '/')


def _write_text(path: str, text: str) -> None:
    with atomic_write(path) as temporary, open(temporary, 'w', encoding='utf-8') as file:
        file.write(text)
