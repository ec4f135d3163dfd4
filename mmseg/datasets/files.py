"""Finding the files of a data set, telling them apart, and saying what to do when they are not there."""

import logging
import os
import posixpath
import re
import shlex
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mmseg.archives import walk_archive
from mmseg.errors import DataError
from mmseg.fileio import exists, is_folder, read_text, require_below

logger = logging.getLogger(__name__)
BUILTIN = Path('data/builtin')
"""Where the demonstration has its drawn scenes."""
MARK = '\ufeff'
"""A byte order mark, which stands in the middle where files were joined."""

FAMILIES = (('.jpg', '.jpeg'), ('.tif', '.tiff'))
"""Endings that mean the same format."""


def find_files(folder: str, suffix: str) -> list[str]:
    """Names below ``folder`` that end in ``suffix`` as :func:`has_suffix` sees it, relative to it, sorted.

    Hidden entries (leading dot) are skipped. Sorted, unlike the publication, whose order, and with it the
    sequence of a seeded run, depends on the file system.
    """
    start = len(os.path.join(folder, ''))
    return sorted(
        path[start:].replace(os.sep, '/') for path in walk_files(folder) if has_suffix(path, suffix)
    )


def walk_files(folder: str) -> Iterator[str]:
    """Paths of all files below a folder, an archive or a folder in one, without hidden entries.

    Links are followed after everything else, and each folder is searched once: a link may lead back into the folder, or
    to one that holds it.

    Raises:
        OSError: a folder cannot be read.
    """
    if not os.path.isdir(folder) and is_folder(folder):
        yield from walk_archive(folder)
        return
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
    """The usual ways to write a suffix: ``_x.jpg`` also as ``_x.JPG``, ``_x.jpeg`` and ``_x.JPEG``; itself first."""
    base, ending = _split_suffix(suffix)
    forms = [ending, *_family(ending), *(form.upper() for form in _family(ending))]
    return tuple(dict.fromkeys(base + form for form in forms))


def has_suffix(name: str, suffix: str) -> bool:
    """Whether a name ends in a suffix; endings of one format count as equal, also in mixed case (``.Jpg``)."""
    return _stem(name, suffix) is not None


def stem_of(name: str, suffix: str) -> str:
    """A file name without its suffix, whatever its spelling."""
    stem = _stem(name, suffix)
    return name if stem is None else stem


def _stem(name: str, suffix: str) -> str | None:
    """A name without its suffix; None if it ends in something else."""
    if name.endswith(suffix) and suffix and name[: -len(suffix)][-1:] not in ('', '.', '/', os.sep):
        return name[: -len(suffix)]  # what mostly holds, without taking the name apart
    base, ending = _split_suffix(suffix)
    if not ending:
        return name.removesuffix(base) if name.endswith(suffix) else None
    root, own = os.path.splitext(name)
    return root.removesuffix(base) if own.lower() in _family(ending) and root.endswith(base) else None


@lru_cache
def _split_suffix(suffix: str) -> tuple[str, str]:
    base, ending = os.path.splitext(suffix)
    return ('', base) if not ending and base.startswith('.') else (base, ending)


@lru_cache
def _family(ending: str) -> tuple[str, ...]:
    """Endings that mean the same format, in lower case."""
    return next((family for family in FAMILIES if ending.lower() in family), (ending.lower(),))


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
    lines = [
        (number, line.strip().strip(MARK)) for number, line in enumerate(read_text(path).splitlines(), 1)
    ]
    names = [_listed(path, number, line, folder, suffix) for number, line in lines if line]
    if not names:
        raise DataError(f'{path}: lists no pictures. Expected is one name a line, relative to {folder}.')
    if twice := len(names) - len(set(names)):
        first = next(name for name in names if names.count(name) > 1)
        logger.warning(
            '%s: %d of %d lines repeat a picture (%s, ...), which then counts several times in training and scores.',
            path, twice, len(names), first,
        )  # fmt: skip
    return names


def _listed(split: str, number: int, line: str, folder: str, suffix: str) -> str:
    require_below(folder, line, f'{split}, line {number}')
    stem = stem_of(posixpath.normpath(line.replace('\\', '/')), suffix)
    if (name := _spelt(folder, stem, suffix)) is not None:
        return name
    raise DataError(
        f'{split}, line {number}: {line!r} stands for {os.path.join(folder, stem + suffix)}, which does not exist. '
        f'Expected is one name a line, relative to img_dir and without the ending {suffix}.'
        f'{_columns_hint(split, line, folder, suffix)}'
    )


def _spelt(folder: str, stem: str, suffix: str) -> str | None:
    return next((stem + s for s in spellings(suffix) if exists(os.path.join(folder, stem + s))), None)


def _columns_hint(split: str, line: str, folder: str, suffix: str) -> str:
    """What to do about a line whose first column by itself is a picture, here or beside the split file."""
    gaps = list(re.finditer(r'[\s,;]+', line))
    firsts = [stem_of(line[: gap.start()], suffix) for gap in gaps]
    names = [word for word in re.split(r'[\s,;]+', line) if os.path.splitext(word)[1]]
    there = (
        _spelt(place, first, suffix)
        for place in (folder, os.path.dirname(split))
        for first in firsts
        if first
    )
    if len(names) > 1 or any(there):
        return ' This line has several columns: keep the names of the pictures only.'
    return ''


def label_names(folder: str, stems: Iterable[str], suffix: str) -> dict[str, str]:
    """The label map of each stem, relative to ``folder``; its ending may be written in another way, as it is there.

    Args:
        folder: of the label maps; it need not exist.
        stems: names of pictures without their suffix.
        suffix: ending of label maps.
    """
    names = find_files(folder, suffix) if is_folder(folder) else []
    present: dict[str, str] = {}
    for name in names:
        stem = stem_of(name, suffix)
        if name.endswith(suffix) or not present.get(stem, '').endswith(suffix):
            present[stem] = name
    return {stem: present.get(stem, stem + suffix) for stem in stems}


def unique_names(names: Sequence[str]) -> list[str]:
    """Names for results of files: base names, or with their folders where base names are not unique.

    File systems that ignore case are thought of. A file that comes twice has one name.
    """
    files = dict.fromkeys(names)
    bases = {name.rsplit('/', 1)[-1].lower() for name in files}
    return [name.rsplit('/', 1)[-1] for name in names] if len(bases) == len(files) else list(names)


def twins(folder: str, names: Sequence[str], stems: Sequence[str]) -> DataError:
    """The error for pictures of which two have the same name without suffix; ``stems`` are those names."""
    first: dict[str, str] = {}
    twin = next(n for n, stem in enumerate(stems) if first.setdefault(stem, names[n]) != names[n])
    return DataError(
        f'{folder}: {first[stems[twin]]} and {names[twin]} differ in their ending only, so they would have the same '
        'label map and results. Rename one of them.'
    )


def missing_files(what: str, folder: str, suffix: str, remedy: str) -> DataError:
    """The error for a folder that lacks files.

    Args:
        what: 'pictures', 'label maps', ...
        folder: where they were looked for.
        suffix: what their names should end in.
        remedy: what to do about it.
    """
    if not is_folder(folder):
        found = 'the folder does not exist'
    else:
        names = list(walk_files(folder))
        fitting = sum(has_suffix(name, suffix) for name in names)
        endings = Counter(os.path.splitext(name)[1] for name in names).most_common(1)
        most = f', most end in {endings[0][0]}' if endings and not fitting else ''
        found = f'{len(names)} files there, {fitting} of them end in {suffix}{most}'
    return DataError(f'{folder}: no {what} found: {found}. Expected files like *{suffix}. {remedy}')


def how_to_prepare(words: str, root: str) -> str:
    """The sentence that tells how to prepare a data set; the built-in scenes are drawn, nobody has them to put there.

    Args:
        words: of the data set's class, with ``{data_root}``; '' if it has none.
        root: its folder.
    """
    if words and Path(root).parent == BUILTIN:
        return (
            f'Draw the built-in scenes: `python tools/make_scenes.py {BUILTIN.as_posix()} --layout builtin`.'
        )
    return words.format(data_root=shlex.quote(root.rstrip('/')))


def no_label_folder(pictures: str, steps: Sequence[Mapping[str, Any]]) -> DataError:
    """The error for a data set without ``ann_dir`` whose pipeline loads labels."""
    reader = 'cat_max_ratio' if any('cat_max_ratio' in step for step in steps) else 'LoadAnnotations'
    return DataError(
        f'{pictures}: no label maps found, since ann_dir is not set. Name their folder; for a target without labels '
        f'leave {reader} out of its pipeline.'
    )


def missing_labels(folder: str, seg_map: str, picture: str, stem: str, remedy: str) -> DataError:
    """The error for a folder that lacks the first label map.

    Args:
        folder: of the label maps.
        seg_map: the name that was expected there.
        picture: whose label map it is.
        stem: the picture's name without suffix, to find files that another ``seg_map_suffix`` would fit; empty: do not
            look for them.
        remedy: what to do about it.
    """
    if not is_folder(folder):
        return DataError(f'{folder}: no label maps found: the folder does not exist. {remedy}')
    place, base = os.path.split(os.path.join(folder, stem))
    names = _names_in(place) if stem and is_folder(place) else []
    endings = [
        name.removeprefix(base) for name in names if name.startswith(base) and os.path.splitext(name)[1]
    ]
    text = f'{folder}: no label maps found: {seg_map}, that of the first picture ({picture}), does not exist.'
    if endings:
        found = f'There are files of this name that end in {", ".join(endings[:3])}'
        return DataError(f'{text} {found}: set seg_map_suffix={endings[0]!r}.')
    return DataError(f'{text} {len(list(walk_files(folder)))} other files there. {remedy}')


def _names_in(folder: str) -> list[str]:
    if os.path.isdir(folder):
        return sorted(os.listdir(folder))
    start = len(os.path.join(folder, ''))
    return sorted(path[start:] for path in walk_files(folder) if '/' not in path[start:])
