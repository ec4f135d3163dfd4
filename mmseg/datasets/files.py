"""Finding the files of a data set, and telling what to do when they are not there."""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmseg.errors import DataError
from mmseg.fileio import below, read_bytes


def find_files(folder: str, suffix: str) -> list[str]:
    """Names below ``folder`` that end in ``suffix``, relative to it, sorted.

    Hidden entries (leading dot) are skipped. Sorted, unlike the publication, whose order, and with it the
    sequence of a seeded run, depends on the file system.
    """
    found = (path for path in walk_files(folder) if path.endswith(suffix))
    return sorted(os.path.relpath(path, folder).replace(os.sep, '/') for path in found)


def walk_files(folder: str) -> Iterator[str]:
    """Paths of all files below a folder without hidden entries.

    Links are followed after everything else, and each folder is searched once: a link may lead back into the folder, or
    to one that holds it.

    Raises:
        OSError: a folder cannot be read.
    """
    searched = {_identity(place) for place in Path(folder).resolve().parents}
    waiting = deque([folder])
    while waiting:
        for current, folders, names in os.walk(waiting.popleft(), onerror=_raise):
            folders[:] = sorted(name for name in folders if not name.startswith('.'))
            if (identity := _identity(current)) in searched:
                folders.clear()
                continue
            searched.add(identity)
            paths = (os.path.join(current, name) for name in folders)
            waiting.extend(path for path in paths if os.path.islink(path))
            yield from (os.path.join(current, name) for name in names if not name.startswith('.'))


def _identity(folder: str | Path) -> tuple[int, int]:
    """Device and number of a folder, whatever its name."""
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _raise(error: OSError) -> None:
    raise error


def spread(total: int, count: int) -> list[int]:
    """``count`` of the indices 0..total-1 at equal distances, first and last among them; all if that is fewer."""
    return [int(i) for i in np.unique(np.linspace(0, total - 1, min(count, total)).round())]


def read_split(path: str) -> list[str]:
    """The non-empty stripped lines of a split file.

    Raises:
        DataError: no such file, or a line leads out of the folder of the pictures.
    """
    names = [line.strip() for line in read_bytes(path).decode().splitlines() if line.strip()]
    for name in names:
        below('the pictures', name, path)
    return names


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
        names = list(walk_files(folder))
        total, fitting = len(names), sum(name.endswith(suffix) for name in names)
        found = f'{total} files there, {fitting} of them end in {suffix}'
    return DataError(f'{folder}: no {what} found: {found}. Expected files like *{suffix}. {remedy}')
