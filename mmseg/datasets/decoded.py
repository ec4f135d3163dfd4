"""Pictures and label maps kept as they are when decoded, so that later epochs and runs only read them.

All processes of a machine share one file of pixels and one index, which belong to one data set: their names hold a hash
of its list of files. A file whose size or time has changed is decoded again, and what was written only in part is found
by its check sum. The file of pixels is read and written, not mapped: in a mapped file a full disk ends the process.
"""

import contextlib
import hashlib
import logging
import mmap
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from mmseg.fileio import file_state

logger = logging.getLogger(__name__)
Pixels = NDArray[np.uint8]

AT, HEIGHT, WIDTH, BANDS, SIZE, TIME, CHECK = range(7)
"""Columns of the index, int64: first byte of the pixels plus 1 (0: nothing kept), shape (0 bands: a map), size and time
of the file, CRC-32 of the pixels. Row 0 holds the number of bytes in use."""


class DecodedCache:
    """Decoded files of a data set on the disk.

    Args:
        folder: where they are kept; created.
        gigabytes: of 10^9 bytes; once they are in use, further files are decoded each time.
        files: what the rows of the index stand for, in order.
    """

    def __init__(self, folder: str, gigabytes: float, files: Iterable[str]) -> None:
        digest, count = hashlib.sha256(), 0
        for name in files:
            digest.update(name.encode('utf-8', 'surrogatepass') + b'\0')
            count += 1
        self._base = Path(folder, f'decoded_{digest.hexdigest()[:16]}')
        self._shape = count + 1, CHECK + 1
        self._limit = int(gigabytes * 1e9)
        self._opened: tuple[int, NDArray[np.int64]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_opened': None}

    def read(self, number: int, file: str, decode: Callable[[str], Pixels]) -> Pixels:
        """What ``decode`` gives for a file, (H, W) or (H, W, bands), from the disk if it is kept there.

        Args:
            number: row of the file, from 0.
            file: its path.
            decode: called with the path where nothing fitting is kept; may raise.
        """
        state = file_state(file)
        if state is None:
            return decode(file)
        row = self._index()[number + 1]
        pixels = self._kept(row.tolist(), state)
        if pixels is None:
            pixels = decode(file)
            with contextlib.suppress(_Full):
                self._keep(row, state, pixels)
        return pixels

    def _index(self) -> NDArray[np.int64]:
        """The index, shared by all processes; opened again in a forked one."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._base.parent.mkdir(parents=True, exist_ok=True)
            size = 8 * self._shape[0] * self._shape[1]
            with self._lock():
                path = self._base.with_suffix('.index')
                if not path.is_file() or path.stat().st_size != size:
                    path.write_bytes(bytes(size))
                self._base.with_suffix('.pixels').touch()
            with open(path, 'r+b') as file:
                shared = mmap.mmap(file.fileno(), size)
            self._opened = os.getpid(), np.frombuffer(shared, np.int64).reshape(self._shape)
        return self._opened[1]

    def _lock(self) -> FileLock:
        return FileLock(self._base.with_suffix('.lock'))

    def _kept(self, row: list[int], state: tuple[int, int]) -> Pixels | None:
        if not row[AT] or (row[SIZE], row[TIME]) != state:
            return None
        shape = row[HEIGHT : BANDS + 1] if row[BANDS] else row[HEIGHT:BANDS]
        count = int(np.prod(shape))
        pixels = np.fromfile(self._base.with_suffix('.pixels'), np.uint8, count, offset=row[AT] - 1)
        return pixels.reshape(shape) if len(pixels) == count and crc32(pixels.data) == row[CHECK] else None

    def _keep(self, row: NDArray[np.int64], state: tuple[int, int], pixels: Pixels) -> None:
        pixels = np.ascontiguousarray(pixels)
        place = self._place(row, pixels)
        try:
            with open(self._base.with_suffix('.pixels'), 'r+b') as file:
                file.seek(place)
                file.write(pixels.data)
        except OSError as error:
            self._limit = 0
            logger.warning('%s: no further decoded files are kept (%s).', self._base, error.strerror)
            return
        row[CHECK], row[TIME] = crc32(pixels.data), state[1]
        row[SIZE] = state[0]

    def _place(self, row: NDArray[np.int64], pixels: Pixels) -> int:
        """The first byte for some pixels: where the row's former ones were, if as many, else behind all others.

        Until they are written the row says nothing of a file. A process that decodes the same file meanwhile gets the
        same place, and writes the same there.
        """
        shape = [*pixels.shape[:2], pixels.shape[2] if pixels.ndim == 3 else 0]
        with self._lock():
            used = self._index()[0]
            row[SIZE] = -1
            if not row[AT] or row[HEIGHT : BANDS + 1].tolist() != shape:
                if used[0] + pixels.nbytes > self._limit:
                    raise _Full
                row[AT], row[HEIGHT : BANDS + 1] = used[0] + 1, shape
                used[0] += pixels.nbytes
            return int(row[AT]) - 1


class _Full(Exception):
    """There is no room for a file."""
