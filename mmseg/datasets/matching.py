"""Which files are meant by paths that were written elsewhere."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile


def match_paths(names: Iterable[str], known: Sequence[str]) -> dict[str, int]:
    """Which of the known files each name means, although both may begin with other folders.

    A name means the file with which it shares the longest end, in whole parts of the path; names written on Windows are
    read, too. Of several names for one file the one that shares more has it; ties are nobody's.

    Args:
        names: paths in statistics, as they were when those were written.
        known: paths of files; of equal ones the first counts.

    Returns:
        Index in ``known`` by name; names without a file are left out.
    """
    index = _Ends(known)
    owners: dict[int, tuple[int, str | None]] = {}
    for name in dict.fromkeys(names):
        length, number = index.longest(name)
        taken = owners.get(number, (0, None))[0]
        if number >= 0 and length >= taken:
            owners[number] = (length, name if length > taken else None)
    return {name: number for number, (_, name) in owners.items() if name is not None}


class _Ends:
    """Known paths by their ends; the parts of a path are looked at only where its base name is not unique."""

    def __init__(self, known: Sequence[str]) -> None:
        self._known = known
        self._by_base: dict[str, int | list[int]] = {}
        self._by_end: dict[str, dict[str, int | None]] = {}
        distinct: dict[str, int] = {}
        for number, path in enumerate(known):
            if distinct.setdefault(path, number) != number:
                continue
            base = _plain(path).rpartition('/')[2]
            before = self._by_base.setdefault(base, number)
            if before != number:
                self._by_base[base] = [*(before if isinstance(before, list) else [before]), number]

    def longest(self, name: str) -> tuple[int, int]:
        """With how many whole parts of its end a name agrees with a known path, and the path's number.

        Returns:
            -1 as number where there is none, or several that agree as far.
        """
        plain = _plain(name)
        base = plain.rpartition('/')[2]
        found = self._by_base.get(base, -1)
        if isinstance(found, int):
            return (0, -1) if found < 0 else (_shared(plain, _plain(self._known[found])), found)
        if base not in self._by_end:
            self._by_end[base] = _numbers_by_end(found, self._known)
        by_end = self._by_end[base]
        ends = list(_ends(plain))
        for length in range(len(ends), 0, -1):
            if ends[length - 1] in by_end:
                number = by_end[ends[length - 1]]
                return (length, -1) if number is None else (length, number)
        return 0, -1


def _numbers_by_end(numbers: Iterable[int], known: Sequence[str]) -> dict[str, int | None]:
    """Which of some paths has an end, None where several have."""
    by_end: dict[str, int | None] = {}
    for number in numbers:
        for end in _ends(_plain(known[number])):
            by_end[end] = None if end in by_end else number
    return by_end


def _plain(path: str) -> str:
    return posixpath.normpath(path.replace('\\', '/'))


def _ends(path: str) -> Iterator[str]:
    """The last part of a path, the last two, ..., all."""
    parts = path.split('/')
    return ('/'.join(parts[first:]) for first in range(len(parts) - 1, -1, -1))


def _shared(first: str, second: str) -> int:
    """How many parts at their ends are equal."""
    if first == second:
        return first.count('/') + 1
    pairs = zip(first.split('/')[::-1], second.split('/')[::-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
