"""Files in zip and tar archives, under paths that go through the archive as through a folder.

``data/gta.zip/images/00001.png`` is the member ``images/00001.png`` of ``data/gta.zip``. An archive is indexed once,
and again when its time or size have changed; a forked process uses the index of its parent. Each look at a member opens
the archive anew, so processes and threads share no position in a file. Zip members are stored or deflated and have
their check sum compared; tar archives are not compressed, since a part of a compressed one cannot be read alone.
"""

import os
import posixpath
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from mmseg.errors import DataError
from mmseg.names import Names

PathLike = str | os.PathLike[str]
ENDINGS = ('.zip', '.tar')
COMPRESSED = ('.tar.gz', '.tgz', '.tar.bz2', '.tar.xz', '.tar.zst')
LOCAL_HEADER, SIGNATURE = struct.Struct('<4s22xHH'), b'PK\x03\x04'
"""Of a zip member: signature, ..., length of its name, length of further fields; its data follow."""
BLOCK = 512
"""Bytes of a block of a tar archive; one of zeros ends it."""
MOST_GAIN = 1100
"""Deflate makes at most 1032 bytes of one."""


class Member(NamedTuple):
    """Where a file lies in an archive.

    Attributes:
        name: path in the archive, with forward slashes.
        at: its first byte; in a zip archive that of its header.
        size: bytes of the file.
        packed: bytes in the archive.
        crc: check sum of the content; 0 in a tar archive, which has none.
        deflated: whether it is compressed.
    """

    name: str
    at: int
    size: int
    packed: int
    crc: int = 0
    deflated: bool = False


class Archive:
    """The index of an archive.

    Raises:
        DataError: not readable, damaged, or with members that cannot be read or lead out of it.
        OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        found = {member.name: member for member in self._listed()}  # of equal names the last one counts
        members = sorted(found.values())
        if not members:
            raise DataError(f'{path}: an archive without a file. Pack or download it again.')
        self.names = Names(member.name for member in members)
        self._places = np.array([member[1:] for member in members], np.int64)

    def _listed(self) -> Iterator[Member]:
        end = os.path.getsize(self.path)
        for member in _zip_members(self.path) if is_zip(self.path) else _tar_members(self.path):
            if leads_out(member.name):
                raise DataError(
                    f'{self.path}: has the member {member.name!r}, which leads out of the archive; expected names '
                    'without ".." that are not absolute. Do not use archives of this kind, or pack the files anew.'
                )
            if not 0 <= member.at <= end - member.packed:
                raise DataError(_damaged(self.path, f'{member.name} lies beyond its bounds'))
            yield member._replace(name=posixpath.normpath(member.name))

    def size(self, name: str) -> int | None:
        """Bytes of a member; None if there is none of that name."""
        number = self.names.find(name)
        return None if number < 0 else int(self._places[number, 1])

    def read(self, name: str) -> bytes | None:
        """The content of a member; None if there is none of that name.

        Raises:
            DataError: it is damaged.
        """
        number = self.names.find(name)
        if number < 0:
            return None
        at, size, packed_size, crc, deflated = self._places[number].tolist()
        with open(self.path, 'rb') as file:
            file.seek(at)
            if not is_zip(self.path):
                return file.read(size)
            header = file.read(LOCAL_HEADER.size)
            if len(header) < LOCAL_HEADER.size or not header.startswith(SIGNATURE):
                raise DataError(_damaged(self.path, f'the header of {name} is not at its place'))
            _, of_name, of_fields = LOCAL_HEADER.unpack(header)
            file.seek(of_name + of_fields, os.SEEK_CUR)
            packed = file.read(packed_size)
        content = _unpacked(packed, size) if deflated else packed
        if content is None or len(content) != size or zlib.crc32(content) != crc:
            raise DataError(_damaged(self.path, f'the check sum of {name} is wrong'))
        return content

    def below(self, folder: str) -> Iterator[str]:
        """Names of the members below a folder of the archive (empty: the archive itself), relative to it, sorted."""
        prefix = f'{folder}/' if folder else ''
        first = bisect_left(self.names, prefix)
        names = (self.names[number] for number in range(first, len(self.names)))
        return (name[len(prefix) :] for name in takewhile(lambda name: name.startswith(prefix), names))


def leads_out(name: str) -> bool:
    """Whether a relative path, taken from data, leads out of the folder that it is joined to."""
    # Backslashes count as well: a list made on Windows, or for it, must not lead elsewhere there.
    parts = name.replace('\\', '/').split('/')
    return '..' in parts or not parts[0] or re.match('[A-Za-z]:', name) is not None or '\0' in name


def is_zip(path: str) -> bool:
    """Whether a name is that of a zip archive."""
    return path.lower().endswith('.zip')


def divided(path: PathLike) -> tuple[str, str] | None:
    """Path of an archive and path in it (empty for the archive itself); None if no part of a path is an archive.

    Raises:
        DataError: a part is an archive that cannot be read in parts.
    """
    place, inside = os.path.normpath(os.fspath(path)), ''
    while True:
        ending = place.lower()
        if ending.endswith(COMPRESSED) and os.path.isfile(place):
            raise DataError(
                f'{place}: a compressed tar archive, of which single files cannot be read. Expected .zip or .tar: '
                'uncompress it (for instance with gunzip), or unpack it.'
            )
        if ending.endswith(ENDINGS) and os.path.isfile(place):
            return place, inside
        head, tail = os.path.split(place)
        if head == place or not tail:
            return None
        place, inside = head, f'{tail}/{inside}' if inside else tail


_known: dict[str, tuple[tuple[int, int], Archive]] = {}


def opened(path: str) -> Archive:
    """The index of an archive, made anew only if the file has changed."""
    status = os.stat(path)
    state = status.st_mtime_ns, status.st_size
    known = _known.get(path)
    if known is None or known[0] != state:
        known = _known[path] = state, Archive(path)
    return known[1]


def read_member(path: PathLike) -> bytes | None:
    """The content of a file in an archive; None if no part of a path is an archive, or there is no such file in it."""
    place = divided(path)
    return None if place is None else opened(place[0]).read(place[1])


def member_state(path: PathLike) -> tuple[int, int] | None:
    """Size of a file in an archive and time of the archive in nanoseconds; None as in :func:`read_member`."""
    place = divided(path)
    size = None if place is None else opened(place[0]).size(place[1])
    return None if place is None or size is None else (size, os.stat(place[0]).st_mtime_ns)


def is_archived_folder(path: PathLike) -> bool:
    """Whether a path is an archive or a folder in one."""
    place = divided(path)
    return place is not None and (not place[1] or next(opened(place[0]).below(place[1]), None) is not None)


def walk_archive(folder: str) -> Iterator[str]:
    """Paths of all files in an archive or in a folder of it, without hidden entries; nothing if it is neither."""
    if (place := divided(folder)) is None:
        return
    for name in opened(place[0]).below(place[1]):
        if not any(part.startswith('.') for part in name.split('/')):
            yield os.path.join(folder, name)


def _zip_members(path: str) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(path) as file:
            infos = file.infolist()
    except (zipfile.BadZipFile, RuntimeError, ValueError, EOFError, struct.error) as error:
        raise DataError(_damaged(path, str(error) or type(error).__name__)) from error
    for info in infos:
        if info.is_dir():
            continue
        strange = None
        if stat.S_ISLNK(info.external_attr >> 16):
            strange = 'a link'
        elif info.flag_bits & 1:
            strange = 'encrypted'
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            strange = f'compressed by method {info.compress_type}'
        elif info.file_size > MOST_GAIN * info.compress_size + BLOCK:
            strange = 'said to be larger than deflate can make it'
        if strange:
            raise DataError(_strange(path, info.filename, strange))
        deflated = info.compress_type == zipfile.ZIP_DEFLATED
        yield Member(
            info.filename, info.header_offset, info.file_size, info.compress_size, info.CRC, deflated
        )


def _tar_members(path: str) -> Iterator[Member]:
    end = 0
    for info in _headers(path):
        if info.size < 0:  # older versions of tarfile would go back and read for ever
            raise DataError(_damaged(path, f'{info.name} has a size below 0'))
        end = info.offset_data + (-(-info.size // BLOCK) * BLOCK if info.isreg() else 0)
        if not (info.isdir() or info.isreg()) or info.issparse():
            raise DataError(_strange(path, info.name, 'a link, device or sparse file'))
        if info.isreg():
            yield Member(info.name, info.offset_data, info.size, info.size)
    with open(path, 'rb') as content:  # tarfile takes a damaged header for the end
        content.seek(end)
        if content.read(BLOCK) != bytes(BLOCK):
            raise DataError(_damaged(path, f'no member and no end follows at byte {end}'))


def _headers(path: str) -> Iterator[tarfile.TarInfo]:
    try:
        with tarfile.open(path, 'r:') as file:
            while (info := file.next()) is not None:
                file.members = []  # type: ignore[attr-defined]  # else all of them stay in memory
                yield info
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise DataError(_damaged(path, str(error) or type(error).__name__)) from error


def _unpacked(packed: bytes, size: int) -> bytes | None:
    """At most one byte more than the ``size`` that deflated bytes should have; None if they are damaged."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        return unpacker.decompress(packed, size + 1)
    except zlib.error:
        return None


def _damaged(path: str, problem: str) -> str:
    return f'{path}: damaged archive, {problem}. Expected a complete zip or tar archive; copy or download it again.'


def _strange(path: str, name: str, found: str) -> str:
    return (
        f'{path}: {name} is {found}; expected files that are stored or deflated (zip), or regular files (tar). Pack it '
        'anew, links as the files they mean (tar --dereference), or unpack it.'
    )
