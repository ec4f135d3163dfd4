"""Finding the files of a data set, telling them apart, and saying what to do when they are not there."""

import os
import posixpath
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path

import numpy as np

from mmseg.errors import DataError
from mmseg.fileio import below, read_text

FAMILIES = (('.jpg', '.jpeg'), ('.tif', '.tiff'))
"""Endings that mean the same format."""


def find_files(folder: str, suffix: str) -> list[str]:
    """Names below ``folder`` that end in one of the :func:`spellings` of ``suffix``, relative to it, sorted.

    Hidden entries (leading dot) are skipped. Sorted, unlike the publication, whose order, and with it the
    sequence of a seeded run, depends on the file system.
    """
    endings = spellings(suffix)
    found = (path for path in walk_files(folder) if path.endswith(endings))
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


def spellings(suffix: str) -> tuple[str, ...]:
    """What a suffix stands for: ``_x.jpg`` also means ``_x.JPG``, ``_x.jpeg`` and ``_x.JPEG``; itself first."""
    base, ending = os.path.splitext(suffix)
    if not ending:
        base, ending = ('', base) if base.startswith('.') else (base, '')
    family = next((f for f in FAMILIES if ending.lower() in f), (ending.lower(),))
    forms = [ending, *family, *(form.upper() for form in family)]
    return tuple(dict.fromkeys(base + form for form in forms))


def stem_of(name: str, suffix: str) -> str:
    """A file name without its suffix, whatever its spelling."""
    return next((name.removesuffix(s) for s in spellings(suffix) if name.endswith(s)), name)


def spread(total: int, count: int) -> list[int]:
    """``count`` of the indices 0..total-1 at equal distances, first and last among them; all if that is fewer."""
    return [int(i) for i in np.unique(np.linspace(0, total - 1, min(count, total)).round())]


def read_split(path: str, folder: str, suffix: str) -> list[str]:
    """The pictures that a split file lists, relative to ``folder``.

    The file has one name a line, relative to ``folder``; byte order marks, line endings of Windows, blank lines and the
    suffix at the end of names do not matter.

    Raises:
        DataError: a picture is not there, or not in the folder; names file, line and path.
    """
    lines = [(number, line.strip()) for number, line in enumerate(read_text(path).splitlines(), 1)]
    return [_listed(path, number, line, folder, suffix) for number, line in lines if line]


def _listed(split: str, number: int, line: str, folder: str, suffix: str) -> str:
    below(folder, line, f'{split}, line {number}')
    stem = stem_of(line.replace('\\', '/'), suffix)
    name = next((stem + s for s in spellings(suffix) if os.path.exists(os.path.join(folder, stem + s))), None)
    if name is not None:
        return name
    columns = ' This line seems to have several columns: keep the names of the pictures only.'
    raise DataError(
        f'{split}, line {number}: {line!r} stands for {os.path.join(folder, stem + suffix)}, which does not exist. '
        f'Expected is one name a line, relative to img_dir and without the ending {suffix}.'
        f'{columns if len(line.split()) > 1 else ""}'
    )


def match_paths(names: Iterable[str], known: Sequence[str]) -> dict[str, int]:
    """Which of the known files each name means, although both may begin with other folders.

    A name means the file with which it shares the longest end, in whole parts of the path; names written on Windows are
    read, too. Of several names for one file the one that shares more has it; ties are nobody's.

    Args:
        names: paths in statistics, as they were when those were written.
        known: paths of files.

    Returns:
        Index in ``known`` by name; names without a file are left out.
    """
    reversed_parts = [_parts(path) for path in known]
    by_base: dict[str, list[int]] = defaultdict(list)
    for number, parts in enumerate(reversed_parts):
        by_base[parts[0]].append(number)
    owners: dict[int, tuple[int, str | None]] = {}
    for name in dict.fromkeys(names):
        parts = _parts(name)
        shared = [(_shared(parts, reversed_parts[i]), i) for i in by_base.get(parts[0], ())]
        length, number = max(shared, default=(0, -1))
        if not shared or sum(count == length for count, _ in shared) > 1:
            continue
        taken = owners.get(number, (0, None))[0]
        if length >= taken:
            owners[number] = (length, name if length > taken else None)
    return {name: number for number, (_, name) in owners.items() if name is not None}


def _parts(path: str) -> list[str]:
    return posixpath.normpath(path.replace('\\', '/')).split('/')[::-1]


def _shared(first: Sequence[str], second: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


def unique_names(names: Sequence[str]) -> list[str]:
    """Names for results of files: base names, or with their folders where base names are not unique.

    File systems that ignore case are thought of. A file that comes twice has one name.
    """
    files = dict.fromkeys(names)
    bases = {name.rsplit('/', 1)[-1].lower() for name in files}
    return [name.rsplit('/', 1)[-1] for name in names] if len(bases) == len(files) else list(names)


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
