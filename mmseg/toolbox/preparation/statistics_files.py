"""Writing the three statistics files while labels are counted, with memory that does not grow with their number.

Source: docs/methods/conversion.md#statistics-files.
"""

import json
import os
import tempfile
from array import array
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.repeated_counts import MEMBER
from mmseg.fileio import atomic_write, read_json

KEPT = 1 << 14
"""Characters of a class that wait in memory until they go to the disk."""
SUMS, MOST_PASSES = 1 << 13, 256
"""Check sums of names that are in memory at a time; how often their file is read at most."""


@dataclass(frozen=True)
class LabelStats:
    """Of one label: its train-id file, pixels per train id (present classes only), and ids in no table."""

    file: str
    counts: dict[int, int]
    unknown: tuple[int, ...] = ()


def write_statistics(out_dir: str, stats: Iterable[LabelStats]) -> list[str]:
    """Write the three statistics files into ``out_dir``; returns their paths.

    Args:
        out_dir: an existing folder.
        stats: in order, read once; if it raises an error, files that were there stay as they were.
    """
    names = ('sample_class_stats.json', 'sample_class_stats_dict.json', 'samples_with_class.json')
    paths = [os.path.join(out_dir, name) for name in names]
    with ExitStack() as stack:
        places = [stack.enter_context(atomic_write(path)) for path in paths]
        spool = Spool(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='.classes.', dir=out_dir))))
        seen = Names(spool.folder / 'names')
        with _opened(places[0]) as listed, _opened(places[1]) as by_file:
            entries, files = Members(listed, '[]'), Members(by_file, '{}')
            for item in stats:
                counts = {str(train): count for train, count in item.counts.items()}
                entries.add(_indented({**counts, 'file': item.file}))
                files.add(f'{json.dumps(item.file)}: {_indented(counts)}')
                spool.add(item)
                seen.add(item.file)
            entries.end()
            files.end()
        with _opened(places[2]) as file:
            spool.write(file)
        if seen.repeated():
            _write_again(places[0], places[1])
    return paths


class Members:
    """The members of a JSON list or object, written one by one as ``json.dumps(..., indent=2)`` does.

    Args:
        file: where to.
        brackets: ``[]`` or ``{}``.
        margin: blanks before the closing bracket.
    """

    def __init__(self, file: TextIO, brackets: str, margin: int = 0) -> None:
        self._file, self._brackets, self._margin = file, brackets, margin
        self._next = f'{brackets[0]}\n{" " * (margin + 2)}'

    def add(self, text: str) -> None:
        """Write one member, whose further lines are indented already."""
        self._file.write(self._next)
        self._file.write(text)
        self._next = f',\n{" " * (self._margin + 2)}'

    def end(self) -> None:
        """Write the closing bracket."""
        empty = self._next.startswith(self._brackets[0])
        self._file.write(self._brackets if empty else f'\n{" " * self._margin}{self._brackets[1]}')


class Spool:
    """Labels by class, kept in a file for each class until all are known.

    Attributes:
        folder: for these files; removed by the caller.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting: dict[int, list[str]] = {}
        self._sizes: dict[int, int] = {}

    def add(self, item: LabelStats) -> None:
        """Note one label under each of its classes."""
        name = json.dumps(item.file)
        for train, count in item.counts.items():
            text = f'{MEMBER % (name, count)}\0'
            self._waiting.setdefault(train, []).append(text)
            self._sizes[train] = self._sizes.get(train, 0) + len(text)
            if self._sizes[train] > KEPT:
                self._flush(train)

    def write(self, file: TextIO) -> None:
        """Write ``{class: [[label, pixels], ...], ...}``, classes in the order in which they came."""
        classes = Members(file, '{}')
        for train in self._waiting:
            self._flush(train)
            classes.add(f'"{train}": ')
            members = Members(file, '[]', 2)
            with open(self.folder / str(train), encoding='utf-8') as noted:
                for text in _pieces(noted):
                    members.add(text)
            members.end()
        classes.end()

    def _flush(self, train: int) -> None:
        with open(self.folder / str(train), 'a', encoding='utf-8', newline='') as file:
            file.writelines(self._waiting[train])
        self._waiting[train], self._sizes[train] = [], 0


class Names:
    """Whether a name comes twice, by check sums of 8 bytes in a file: names may be many.

    Args:
        path: the file; removed by the caller.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting = array('q')

    def add(self, name: str) -> None:
        """Note a name."""
        self._waiting.append(hash(name))
        if len(self._waiting) == SUMS:
            self._flush()

    def repeated(self) -> bool:
        """Whether one came twice (or, at odds of n^2 in 2^65, two have the same sum).

        The file is read several times, each time for a part of the sums that fits into memory.
        """
        self._flush()
        passes = min(-(-self._path.stat().st_size // (self._waiting.itemsize * SUMS)), MOST_PASSES)
        for number in range(passes):
            sums = np.concatenate([block[block % passes == number] for block in self._blocks()])
            sums.sort()
            if (sums[1:] == sums[:-1]).any():
                return True
        return False

    def _blocks(self) -> Iterable[NDArray[np.int64]]:
        with open(self._path, 'rb') as file:
            while block := file.read(self._waiting.itemsize * SUMS):
                yield np.frombuffer(block, np.int64)

    def _flush(self) -> None:
        with open(self._path, 'ab') as file:
            self._waiting.tofile(file)
        self._waiting = array('q')


def _pieces(file: TextIO) -> Iterable[str]:
    """The texts in a file that end in a zero byte."""
    rest = ''
    while block := file.read(KEPT):
        *whole, rest = (rest + block).split('\0')
        yield from whole


def _indented(value: Any) -> str:
    return json.dumps(value, indent=2).replace('\n', '\n  ')


def _opened(path: Path) -> TextIO:
    return open(path, 'w', encoding='utf-8')


def _write_again(listed: Path, by_file: Path) -> None:
    """The file of counts by label where a label came twice: at its first place with its last counts."""
    counts: dict[str, Any] = {}
    for entry in read_json(listed):
        counts[entry.pop('file')] = entry
    by_file.write_text(json.dumps(counts, indent=2), encoding='utf-8')
