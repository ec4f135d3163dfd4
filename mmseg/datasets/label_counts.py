"""Pixels by label map and class in arrays: what statistics files hold, in a twentieth of the memory of dicts."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.label_table import IGNORED, Table
from mmseg.names import Names

LARGEST_ID = 255
Numbers = NDArray[np.int64]


class LabelCounts(Sequence[dict[str, Any]]):
    """The entries of ``sample_class_stats.json``: ``{'0': pixels, ..., 'file': name}``, made when they are asked for.

    Args:
        files: name of each label map; empty for those without.
        ends: where the counts of each end, int64 (n,).
        ids: class ids of all, one behind the other, uint8.
        pixels: their pixels, int64.
    """

    def __init__(self, files: Names, ends: Numbers, ids: NDArray[np.uint8], pixels: Numbers) -> None:
        self.files, self._ends, self._ids, self._pixels = files, ends, ids, pixels

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: Any) -> Any:
        """Entry number ``index``; a list for a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        one = slice(int(self._ends[number - 1]) if number else 0, int(self._ends[number]))
        entry: dict[str, Any] = {}
        for class_id, count in zip(self._ids[one].tolist(), self._pixels[one].tolist(), strict=True):
            entry[str(class_id)] = entry.get(str(class_id), 0) + count
        name = self.files[number]
        return {**entry, 'file': name} if name else entry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def totals(self) -> dict[int, int]:
        """Pixels by id over all label maps, in order of first appearance."""
        ids, first = np.unique(self._ids, return_index=True)
        return {int(i): exact_sum(self._pixels[self._ids == i]) for i in ids[np.argsort(first)]}

    def by_class(self) -> dict[int, 'Counted']:
        """Numbers of the entries that count pixels of each id, in order of first appearance."""
        of_entry = np.repeat(np.arange(len(self)), np.diff(self._ends, prepend=0))
        found = ((class_id, self._ids == class_id) for class_id in self.totals())
        return {class_id: Counted(of_entry[of_class], self._pixels[of_class]) for class_id, of_class in found}

    def translated(self, table: Table | None) -> 'LabelCounts':
        """The counts behind a data set's table; ignored ids are left out."""
        ids = self._ids if table is None else table[self._ids]
        return self._kept(self.files, np.diff(self._ends, prepend=0), ids != IGNORED, ids)

    def chosen(self, wanted: NDArray[np.bool_]) -> 'LabelCounts':
        """Only some entries; ``wanted`` (n,)."""
        lengths = np.diff(self._ends, prepend=0)
        files = Names(self.files[int(i)] for i in np.flatnonzero(wanted))
        kept = self._kept(files, lengths, np.repeat(wanted, lengths), self._ids)
        return LabelCounts(files, kept._ends[wanted], kept._ids, kept._pixels)

    def arrays(self) -> tuple[Names, Numbers, NDArray[np.uint8], Numbers]:
        """Names, number of counts of each (n,), ids and pixels."""
        return self.files, np.diff(self._ends, prepend=0), self._ids, self._pixels

    def _kept(
        self, files: Names, lengths: Numbers, kept: NDArray[np.bool_], ids: NDArray[np.uint8]
    ) -> 'LabelCounts':
        of_entry = np.repeat(np.arange(len(lengths)), lengths)[kept]
        ends = np.cumsum(np.bincount(of_entry, minlength=len(lengths)))
        return LabelCounts(files, ends, ids[kept], self._pixels[kept])


def together(parts: Sequence[LabelCounts]) -> LabelCounts:
    """The entries of several files one behind the other."""
    if len(parts) == 1:
        return parts[0]
    files, lengths, ids, pixels = zip(*(part.arrays() for part in parts), strict=True)
    names = Names(name for some in files for name in some)
    return LabelCounts(names, np.cumsum(np.concatenate(lengths)), np.concatenate(ids), np.concatenate(pixels))


def label_counts(entries: Iterable[Sequence[Mapping[str, Any]]]) -> LabelCounts:
    """Arrays of the entries of ``sample_class_stats.json``, which come some at a time.

    Raises:
        AttributeError, TypeError, ValueError, OverflowError: an entry is something else.
    """
    number_of, ids, pixels, ends = Ids(), array('B'), array('q'), array('q')

    def files() -> Iterator[str]:
        for some in entries:
            for entry in some:
                counts = {key: value for key, value in entry.items() if key != 'file'}
                ids.extend(map(number_of.__getitem__, counts))
                pixels.extend(pixel_counts(counts.values()))
                ends.append(len(ids))
                yield str(entry.get('file', ''))

    names = Names(files())
    return LabelCounts(names, np.array(ends, np.int64), np.array(ids, np.uint8), np.array(pixels, np.int64))


class Ids(dict[str, int]):
    """Class ids by their text; ValueError for a text that is none."""

    def __missing__(self, text: str) -> int:
        number = int(text)
        if not 0 <= number <= LARGEST_ID:
            raise ValueError(f'class id {number}')
        self[text] = number
        return number


def pixel_counts(values: Iterable[Any]) -> 'array[int]':
    """Counts of pixels as whole numbers; TypeError, ValueError or OverflowError if they are none."""
    values = tuple(values)
    try:
        counts = array('q', values)
    except TypeError:  # as in files of other programs: 5.0
        counts = array('q', map(int, values))
    if counts and min(counts) < 0:
        raise ValueError(f'{min(counts)} pixels')
    return counts


class Counted(Sequence[tuple[int, int]]):
    """Label maps of a class by number, with their pixels: pairs, made when they are asked for.

    Args:
        numbers: int64 (n,).
        pixels: int64 (n,).
    """

    def __init__(self, numbers: Numbers, pixels: Numbers) -> None:
        self.numbers, self.pixels = numbers, pixels

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: Any) -> Any:
        """Pair number ``index``; a list for a slice."""
        if isinstance(index, slice):
            return list(zip(self.numbers[index].tolist(), self.pixels[index].tolist(), strict=True))
        return int(self.numbers[index]), int(self.pixels[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def chosen(self, wanted: NDArray[np.bool_]) -> 'Counted':
        """Only some of them; ``wanted`` (n,)."""
        return Counted(self.numbers[wanted], self.pixels[wanted])


def chained(parts: Sequence[Counted]) -> Counted:
    """The label maps of several data sets one behind the other."""
    numbers = np.concatenate([part.numbers for part in parts])
    return Counted(numbers, np.concatenate([part.pixels for part in parts]))


def joined(parts: Sequence[Counted]) -> Counted:
    """Label maps of several classes that count as one: pixels of each are added up, in order of first appearance."""
    all_parts = chained(parts)
    distinct, first, place = np.unique(all_parts.numbers, return_index=True, return_inverse=True)
    if len(distinct) == len(all_parts):
        return all_parts
    totals = np.zeros(len(distinct), np.int64)
    np.add.at(totals, place.reshape(-1), all_parts.pixels)
    order = np.argsort(first)
    return Counted(distinct[order], totals[order])


def exact_sum(numbers: Numbers) -> int:
    """Sum of numbers of which one alone may be as large as 64 bits allow."""
    return (int((numbers >> 32).sum()) << 32) + int((numbers & 0xFFFFFFFF).sum())


def sample_counts(members: Iterable[tuple[str, Sequence[Sequence[Any]]]]) -> tuple[Names, dict[int, Counted]]:
    """Arrays of what ``samples_with_class.json`` holds, which comes some pairs at a time with their class.

    Returns:
        names of the label maps, and for each class the numbers of its label maps among them.

    Raises:
        AttributeError, TypeError, ValueError, OverflowError: it is something else.
    """
    number_of, known = Ids(), dict[str, int]()
    numbers: dict[int, array[int]] = {}
    pixels: dict[int, array[int]] = {}
    for key, pairs in members:
        of_class = numbers.setdefault(number_of[key], array('q'))
        counts = pixels.setdefault(number_of[key], array('q'))
        for name, _ in pairs:
            of_class.append(known.setdefault(str(name), len(known)))
        counts.extend(pixel_counts(count for _, count in pairs))
    counted = {c: Counted(np.array(numbers[c], np.int64), np.array(pixels[c], np.int64)) for c in numbers}
    return Names(known), counted
