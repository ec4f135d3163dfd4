"""Check sums of the archives that torch writes: over the whole file where we wrote it, else over each record.

The format keeps a CRC-32 for each record, which torch does not look at, and none for its tables: a bit that changes
there can make a file unreadable or, rarely, readable as something else. A checkpoint of a run therefore ends in a
SHA-256 of everything before, as the comment that the format allows at its end and that its readers pass over.
"""

import hashlib
import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from mmseg.errors import CheckpointError

MARK = b'mmseg sha256 '
LENGTH = len(MARK) + 64
"""Bytes of the comment."""
ARCHIVE = b'PK\x03\x04'
"""How an archive begins."""

_COMMENT = re.compile(re.escape(MARK) + rb'[0-9a-f]{64}')
_LENGTH_FIELD = 2
_BLOCK = 1 << 20


def add_checksum(path: Path) -> None:
    """Put a check sum at the end of an archive that was just written.

    Raises:
        ValueError: the archive ends in a comment already.
        OSError: the disk is full.
    """
    with path.open('r+b') as file:
        file.seek(-_LENGTH_FIELD, os.SEEK_END)
        if file.read() != bytes(_LENGTH_FIELD):
            raise ValueError(f'{path}: ends in a comment, or is no archive.')
        file.seek(-_LENGTH_FIELD, os.SEEK_END)
        file.write(LENGTH.to_bytes(_LENGTH_FIELD, 'little') + MARK)
        size = file.tell()
        file.seek(0)
        digest = _digest(file, size)
        file.seek(size)
        file.write(digest)


def file_damage(path: Path) -> str | None:
    """What is wrong with a file; None if the check sum of the whole, or else that of each record, is right.

    Files of other formats have none, so nothing is found in them.
    """
    try:
        with path.open('rb') as file:
            head = file.read(len(ARCHIVE))
            size = max(file.seek(0, os.SEEK_END) - LENGTH, 0)
            file.seek(size)
            comment = file.read()
            if _COMMENT.fullmatch(comment):
                file.seek(0)
                right = comment == MARK + _digest(file, size + len(MARK))
                return None if right else 'the check sum of the file is wrong'
        if head != ARCHIVE:
            return None
        with zipfile.ZipFile(path) as archive:
            record = archive.testzip()
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        return f'{type(error).__name__}: {error}'
    return None if record is None else f'the check sum of {record} is wrong'


def require_sound(path: Path) -> None:
    """Raise CheckpointError if :func:`damage` finds something."""
    problem = file_damage(path)
    if problem is not None:
        raise CheckpointError(
            f'Weight file {path} ({path.stat().st_size} bytes) is damaged: {problem}. Download or copy it again; a run '
            'goes on from its newest sound checkpoint with --resume.'
        )


def _digest(file: BinaryIO, size: int) -> bytes:
    """The hash of the next ``size`` bytes, as hexadecimal digits."""
    digest = hashlib.sha256()
    while size > 0 and (block := file.read(min(size, _BLOCK))):
        digest.update(block)
        size -= len(block)
    return digest.hexdigest().encode()
