"""Output that nobody reads any more: a closed terminal, a pipe whose reader has left.

A closed terminal sends SIGHUP and from then on fails every write. What a program still has to say then must not keep it
from saving its work and leaving with its exit code.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

TERMINAL_GONE = frozenset({errno.EIO, errno.ENXIO})
READER_GONE = TERMINAL_GONE | {errno.EPIPE}


class Outliving:
    """A text stream that drops what it is given once nobody can read it.

    Args:
        stream: what it stands for.
        numbers: errors of a write that mean this; others are raised.

    Attributes:
        reader_left: a pipe that nobody reads was one of these others.
    """

    def __init__(self, stream: TextIO, numbers: frozenset[int]) -> None:
        self._stream = stream
        self._numbers = numbers
        self.reader_left = False

    def write(self, text: str) -> int:
        """Write a text, or drop it; returns its length."""
        with self._dropping():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is held back, or drop it."""
        with self._dropping():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _dropping(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in self._numbers:
                self.reader_left = isinstance(error, BrokenPipeError)
                raise
            # What the stream still holds goes the same way, also when Python ends and flushes it.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)


@contextlib.contextmanager
def outliving(numbers: frozenset[int] = TERMINAL_GONE) -> Iterator[None]:
    """Inside the block standard output and errors are :class:`Outliving`."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast('TextIO', Outliving(stream, numbers)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def tell(text: str) -> None:
    """Write a line to standard errors from a signal handler, where it may be too late for that."""
    with contextlib.suppress(OSError):
        os.write(2, f'{text}\n'.encode())


def reader_has_left() -> bool:
    """Whether writing to standard output or errors has failed because nobody reads that pipe."""
    return any(getattr(stream, 'reader_left', False) for stream in (sys.stdout, sys.stderr))
