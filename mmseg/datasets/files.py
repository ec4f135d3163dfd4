"""Finding the files of a data set, and telling what to do when they are not there."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmseg.errors import DataError
from mmseg.fileio import read_bytes


def find_files(folder: str, suffix: str) -> list[str]:
    """Names below ``folder`` that end in ``suffix``, relative to it, sorted.

    Hidden entries (leading dot) are skipped. Sorted, unlike the publication, whose order, and with it the
    sequence of a seeded run, depends on the file system.
    """
    return sorted(os.path.relpath(path, folder).replace(os.sep, '/') for path in _scan(folder, suffix))


def _scan(folder: str, suffix: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith('.'):
                continue
            if entry.is_dir():
                yield from _scan(entry.path, suffix)
            elif entry.name.endswith(suffix):
                yield entry.path


def spread(total: int, count: int) -> list[int]:
    """``count`` of the indices 0..total-1 at equal distances, first and last among them; all if that is fewer."""
    return [int(i) for i in np.unique(np.linspace(0, total - 1, min(count, total)).round())]


def read_split(path: str) -> list[str]:
    """The non-empty stripped lines of a split file."""
    return [line.strip() for line in read_bytes(path).decode().splitlines() if line.strip()]


def missing_files(what: str, folder: str, suffix: str, remedy: str) -> DataError:
    """The error for a folder that lacks files.

    Args:
        what: 'pictures', 'label maps', ...
        folder: where they were looked for.
        suffix: what their names should end in.
        remedy: what to do about it.
    """
    if not Path(folder).is_dir():
        found = 'the folder does not exist'
    else:
        total = sum(1 for _ in _scan(folder, ''))
        fitting = sum(1 for _ in _scan(folder, suffix))
        found = f'{total} files there, {fitting} of them end in {suffix}'
    return DataError(f'{folder}: no {what} found: {found}. Expected files like *{suffix}. {remedy}')
