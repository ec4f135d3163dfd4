"""Reading pictures and label maps, writing files without leaving halves behind.

OpenCV decodes a truncated JPEG or PNG without a word (the rest is grey or black), so the container is checked
before it is decoded: PNG chunk by chunk with its check sums (about 0.8 ms for 3 MB), JPEG marker by marker. Changed
bytes in the data of a JPEG are noticed only where they form a marker that cannot stand there.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmseg.archives import PathLike as PathLike
from mmseg.archives import is_archived_folder, leads_out, member_state, read_member
from mmseg.decoding import JPEG_SIGNATURE, PNG_SIGNATURE, decode_label, decode_picture
from mmseg.errors import DataError, UsageError

SCAN_END = re.compile(rb'\xff[^\x00\xd0-\xd7\xff]')
"""A marker that ends the data of a JPEG scan: neither a stuffed byte nor a restart."""
FIRST_MARKER = 0xC0


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if os.name == 'posix' else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_write(path: PathLike, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and rename it when the block ends without an error.

    The folder is created. The temporary name is hidden (leading dot) and keeps the ending, since writers
    choose the format by it. On an error, Ctrl-C included, nothing is left behind and an older file stays as
    it was. With ``durable`` file and folder are on the disk when the block has ended, also after a power cut.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f'.{target.stem}.{secrets.token_hex(4)}.tmp{target.suffix}')
    try:
        yield temporary
        if durable:
            _flush(temporary)
        os.replace(temporary, target)
        if durable and os.name == 'posix':  # folders cannot be opened elsewhere
            _flush(target.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        # A full disk does not say which file it was, others name the temporary one.
        if isinstance(error, OSError) and error.filename in (None, temporary, str(temporary)):
            error.filename = str(target)
        raise


def below(folder: PathLike, name: str, source: PathLike) -> Path:
    """The path of a file in a folder or below it.

    Args:
        folder: where it belongs.
        name: relative path, taken from data.
        source: where the name was found, for the message.

    Raises:
        DataError: the name leads out of the folder.
    """
    require_below(folder, name, source)
    return Path(folder, name)


def require_below(folder: PathLike, name: str, source: PathLike) -> None:
    """Make sure that a name does not lead out of a folder; arguments and error as those of :func:`below`."""
    if leads_out(name):
        raise DataError(
            f'{source}: {name!r} leads out of the folder {folder}; expected names of files in it or below it, without '
            '".." and not absolute.'
        )


def require_closed(folder: PathLike) -> None:
    """Make sure that what is written into a folder, which may be that of a stranger, stays there.

    Args:
        folder: may be a link itself, and need not exist.

    Raises:
        UsageError: a link in it, at any depth, leads out of it.
    """
    root = os.path.realpath(folder)
    for place, folders, files in os.walk(root):
        for path in (os.path.join(place, name) for name in (*folders, *files)):
            if os.path.islink(path) and not Path(target := os.path.realpath(path)).is_relative_to(root):
                raise UsageError(
                    f'{path}: a link that leads out of the folder, to {target}; what is written there would change '
                    'files elsewhere. Remove the link, or choose another folder.'
                )


def require_regular(path: PathLike) -> None:
    """Make sure that reading a file comes to an end: a pipe would be waited for, a device never ends.

    Raises:
        DataError: it is a pipe, device or socket.
        OSError: there is no such file.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise DataError(f'{path}: a pipe, device or socket. Expected a file with content.')


def exists(path: PathLike) -> bool:
    """Whether there is a file or folder, also in an archive (mmseg/archives.py)."""
    return os.path.exists(path) or is_archived_folder(path) or member_state(path) is not None


def is_folder(path: PathLike) -> bool:
    """Whether there is a folder, an archive, or a folder in one."""
    return os.path.isdir(path) or is_archived_folder(path)


def file_state(path: PathLike) -> tuple[int, int] | None:
    """Size of a file in bytes and its time in nanoseconds, in an archive that of the archive; None: no file."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return member_state(path)
    return status.st_size, status.st_mtime_ns


def read_bytes(path: PathLike) -> bytes:
    """The content of a file, also in an archive; DataError if it is missing, unreadable or empty."""
    try:
        require_regular(path)
        # A Path would leave its parts in Python's table of strings, for each sample.
        with open(path, 'rb') as file:
            content = file.read()
    except (FileNotFoundError, NotADirectoryError):
        if (member := read_member(path)) is None:
            raise DataError(
                f'{path}: no such file. Check the path, or run the conversion that writes it.'
            ) from None
        content = member
    except OSError as error:
        raise DataError(f'{path}: cannot be read ({error.strerror}). Expected a readable file.') from error
    if not content:
        raise DataError(f'{path}: the file is empty (0 bytes). Copy or download it again.')
    return content


def sha256_of(path: Path) -> str:
    """Hash of a file's content, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open('rb') as stream:
        for block in iter(lambda: stream.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()


def read_text(path: PathLike) -> str:
    """The content of a text file in UTF-8, with or without a byte order mark; DataError if it is something else."""
    try:
        text = read_bytes(path).decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise DataError(
            f'{path}: not a text in UTF-8 ({error.reason} at byte {error.start}). Save it as UTF-8.'
        ) from error
    if '\0' in text:
        raise DataError(f'{path}: not a text in UTF-8 (zero bytes, as UTF-16 has). Save it as UTF-8.')
    return text


def read_json(path: PathLike) -> Any:
    """What a JSON file holds; DataError if it is something else."""
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # Python reads no numbers of thousands of digits
        raise DataError(f'{path}: no JSON ({_first_line(error)}). Write or copy it again.') from error


def _first_line(error: BaseException) -> str:
    return str(error).split('; ')[0]


def read_image(path: PathLike) -> NDArray[np.uint8]:
    """Decode a picture, see :func:`mmseg.decoding.decode_picture`.

    Returns:
        uint8 (H, W, 3) in BGR order, 0..255.

    Raises:
        DataError: missing, empty, truncated or damaged file, or another kind of picture.
    """
    content = read_bytes(path)
    check_container(content, path)
    return decode_picture(content, path)


def read_label(path: PathLike) -> NDArray[np.uint8]:
    """Decode a label map of class ids, see :func:`mmseg.decoding.decode_label`.

    Returns:
        uint8 (H, W).

    Raises:
        DataError: missing, empty, truncated or damaged file, or no single channel of ids.
    """
    content = read_bytes(path)
    check_container(content, path)
    return decode_label(content, path)


def write_label_png(
    path: PathLike,
    array: NDArray[np.integer],
    palette: Sequence[Sequence[int]] | NDArray[np.uint8] | None = None,
) -> None:
    """Write a map of ids 0..255 as an 8-bit PNG, atomically.

    Args:
        path: the file; its folder is created.
        array: (H, W).
        palette: RGB rows by id; gives a palette PNG (mode P) instead of a grey one (mode L).
    """
    label = np.ascontiguousarray(array, dtype=np.uint8)
    with atomic_write(path) as temporary:
        if palette is None:
            temporary.write_bytes(cv2.imencode('.png', label)[1].tobytes())
            return
        image = Image.fromarray(label)
        # All 256 entries: with fewer colours Pillow would write fewer bits a pixel and cut the ids.
        colours = np.zeros((256, 3), np.uint8)
        colours[: len(palette)] = palette
        image.putpalette(colours.tobytes())
        image.save(temporary, format='PNG')


def check_container(content: bytes, path: PathLike) -> None:
    """Raise DataError if a PNG or JPEG is cut off, a PNG's check sum is wrong or a JPEG has impossible markers."""
    problem = None
    if content.startswith(PNG_SIGNATURE):
        problem = _png_problem(content)
    elif content.startswith(JPEG_SIGNATURE):
        problem = _jpeg_problem(content)
    if problem:
        raise DataError(_damaged(path, problem))


def _png_problem(content: bytes) -> str | None:
    view = memoryview(content)
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(content):
        length = struct.unpack_from('>I', content, position)[0]
        end = position + 8 + length
        if end + 4 > len(content):
            break
        if zlib.crc32(view[position + 4 : end]) != struct.unpack_from('>I', content, end)[0]:
            return 'a check sum is wrong'
        if content[position + 4 : position + 8] == b'IEND':
            return None
        position = end + 4
    return 'its last part is missing, so it is cut off'


def _jpeg_problem(content: bytes) -> str | None:
    position = len(JPEG_SIGNATURE)
    while (
        position + 4 <= len(content) and content[position] == 0xFF and content[position + 1] >= FIRST_MARKER
    ):
        start_of_scan = content[position + 1] == 0xDA
        position += 2 + int(struct.unpack_from('>H', content, position + 2)[0])
        found = SCAN_END.search(content, position) if start_of_scan else None
        position = found.start() if found else position
        if content[position : position + 2] == b'\xff\xd9':
            return None
    if position + 4 > len(content):
        return 'its end is missing, so it is cut off'
    return 'impossible bytes among its data'


def _damaged(path: PathLike, problem: str) -> str:
    return f'{path}: damaged file, {problem}. Expected a complete PNG or JPEG; copy or download it again.'
