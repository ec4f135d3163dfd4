"""Many names in little memory: their bytes one behind the other, and where each one ends.

A list of a million Python texts takes 100 MB, and each look at one of them writes its count of references, so that a
forked loader process soon has a copy of all pages. Here two objects hold everything: processes share their pages, and
what is sent to a spawned process is as small as the names.
"""

from abc import abstractmethod
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np

ENCODING = ('utf-8', 'surrogatepass')
"""Names of files need not be texts; Python marks what is none with surrogates."""

BLOCK = 4096
"""Names whose ends are made Python numbers at once."""


class Names(Sequence[str]):
    """A sequence of names that does not change.

    Args:
        names: in order; read once.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        joined, ends = bytearray(), array('q', [0])
        for name in names:
            joined += name.encode(*ENCODING)
            ends.append(len(joined))
        self._joined = bytes(joined)
        self._ends = np.array(ends, np.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: Any) -> Any:
        """Name number ``index``; a list for a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        return self._joined[self._ends[number] : self._ends[number + 1]].decode(*ENCODING)

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), BLOCK):
            start, *ends = self._ends[first : first + BLOCK + 1].tolist()
            for end in ends:
                yield self._joined[start:end].decode(*ENCODING)
                start = end

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Names):
            return self._joined == other._joined and np.array_equal(self._ends, other._ends)
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def find(self, name: str) -> int:
        """Where a name is, if the names are sorted; -1 if it is none of them."""
        number = bisect_left(self, name)
        return number if number < len(self) and self[number] == name else -1


class Infos(Sequence[dict[str, Any]]):
    """What is known of each picture of a data set, as pipelines see it: ``{'filename': ..., 'ann': {...}}``."""

    @abstractmethod
    def made(self, number: int) -> dict[str, Any]:
        """What is known of picture ``number``, from 0, a new dict each time."""

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: Any) -> Any:
        """That of one picture, made when it is asked for; a list for a slice."""
        numbers = range(len(self))[index]
        return self.made(numbers) if isinstance(numbers, int) else [self.made(number) for number in numbers]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


class Pictures(Infos):
    """What is known of each picture of a data set, as pipelines see it, made when it is asked for.

    Args:
        files: names of the pictures.
        seg_maps: of their label maps; None without labels.
        times: how often all of it comes.
    """

    def __init__(self, files: Sequence[str], seg_maps: Sequence[str] | None = None, times: int = 1) -> None:
        self._files, self._seg_maps, self._times = files, seg_maps, times

    def __len__(self) -> int:
        return len(self._files) * self._times

    def made(self, number: int) -> dict[str, Any]:
        """File names of a picture and its label map."""
        number %= len(self._files)
        ann = {} if self._seg_maps is None else {'seg_map': self._seg_maps[number]}
        return {'filename': self._files[number], 'ann': ann}

    def __mul__(self, times: int) -> 'Pictures':
        """All of it several times."""
        return Pictures(self._files, self._seg_maps, self._times * times)


class Chained(Infos):
    """The pictures of several data sets one behind the other, their names below a folder that all share.

    Args:
        parts: the folder of each, relative to the shared one, and what is known of its pictures.
    """

    def __init__(self, parts: Sequence[tuple[str, Sequence[dict[str, Any]]]]) -> None:
        self._parts = list(parts)
        self._ends = np.cumsum([len(infos) for _, infos in parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def made(self, number: int) -> dict[str, Any]:
        """That of its part, the name below the shared folder."""
        part = int(np.searchsorted(self._ends, number, side='right'))
        folder, infos = self._parts[part]
        info = infos[number - int(self._ends[part]) + len(infos)]
        return {**info, 'filename': info['filename'] if folder == '.' else f'{folder}/{info["filename"]}'}
