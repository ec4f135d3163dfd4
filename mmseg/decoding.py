"""What is read how: one table for pictures and one for label maps (docs/own-data.md shows both).

The depth and the number of channels of a file come from its own header, since OpenCV and Pillow scale small bit depths,
cut large ones and drop channels without a word.
"""

import contextlib
import io
import logging
import struct
import warnings
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mmseg.errors import DataError

PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
JPEG_SIGNATURE = b'\xff\xd8'
TIFF_SIGNATURES = (b'II*\x00', b'MM\x00*', b'II+\x00', b'MM\x00+')
SHALLOW_SIGNATURES = (JPEG_SIGNATURE, b'BM', b'RIFF', b'GIF8')
"""Formats whose pictures have 8 bits at most; those of all others may have more."""

KINDS = {
    b'%PDF': 'a PDF document', b'PK\x03\x04': 'a zip archive', b'\x1f\x8b': 'a gzip archive', b'8BPS': 'a PSD file',
    b'\x93NUMPY': 'a NumPy array', b'\x89HDF': 'an HDF5 file', b'CDF': 'a NetCDF file', b'SIMPLE  =': 'a FITS file',
    b'version https://git-lfs': 'a pointer of Git LFS, whose file is fetched with git lfs pull',
    b'<svg': 'an SVG drawing', b'<?xml': 'an XML text', b'<': 'a web page or XML text', b'{': 'a JSON text',
}  # fmt: skip
"""What files that are no pictures of pixels begin with."""
BOXES = {b'heic': 'HEIC', b'heix': 'HEIC', b'mif1': 'HEIF', b'msf1': 'HEIF', b'avif': 'AVIF'}
WIDTH_TAG, HEIGHT_TAG, ORIENTATION_TAG = 256, 257, 274
ALPHA_TAG, ALPHA_KINDS = 338, (1, 2)
"""TIFF's ExtraSamples, and its values for transparency."""
DEPTHS = (8, 10, 12, 14, 16)
"""Bits that cameras and satellites use."""

NUMPY_NAMES = {
    'float32': 'floating point',
    'float64': 'floating point',
    'uint16': '16-bit',
    'int32': '32-bit',
}

logger = logging.getLogger(__name__)
_told: set[str] = set()


def decode_picture(content: bytes, path: object) -> NDArray[np.uint8]:
    """A picture as uint8 (H, W, 3), BGR, turned upright as its EXIF data say.

    Read are grey, palette and colour pictures of up to 8 bits; transparency is left out. Of 16-bit ones the depth that
    is used (10, 12, 14 or 16 bits, by the largest value) is brought to 8 bits, which is said once.

    Raises:
        DataError: not decodable, floating point, or with another number of bands.
    """
    _tell_pages(content, path)
    raw = _raw_if_deep(content)
    if raw is None:
        image = _imdecode(content, cv2.IMREAD_COLOR)
        if image is None:
            raise DataError(_strange_picture(content, path))
        return image.astype(np.uint8, copy=False)
    bands = 1 if raw.ndim == 2 else raw.shape[2]
    if raw.dtype not in (np.uint8, np.uint16) or bands not in (1, 3, 4):
        raise DataError(_strange_picture(content, path))
    if bands == 4 and content.startswith(TIFF_SIGNATURES):
        raw = _three_bands(raw, content, path)
    if raw.dtype == np.uint16:
        raw = _eight_bits(raw, path)
    if bands == 1:
        return cv2.cvtColor(raw, cv2.COLOR_GRAY2BGR).astype(np.uint8)
    return np.ascontiguousarray(raw[..., :3], np.uint8)


def decode_label(content: bytes, path: object) -> NDArray[np.uint8]:
    """A label map of class ids as uint8 (H, W).

    Read are grey values and palette indices of 1, 2, 4 or 8 bits, and wider whole numbers up to 255.

    Raises:
        DataError: not decodable, or a picture (colour, JPEG, floating point): says what it is.
    """
    if content.startswith(JPEG_SIGNATURE):
        raise DataError(
            f'{path}: found a JPEG as label map; its compression changes class ids near edges. Expected a PNG with one '
            'channel of class ids; write the label maps as PNG from their source.'
        )
    _tell_pages(content, path)
    if content.startswith(PNG_SIGNATURE) and content[24:26] == b'\x08\x00':
        label = _imdecode(content, cv2.IMREAD_UNCHANGED)
        if label is not None:
            return label.astype(np.uint8, copy=False)
    array, mode = _with_pillow(content, path)
    if array.ndim != 2 or array.dtype.kind not in 'bui' or array.min() < 0 or array.max() > 255:
        raise DataError(_strange_label(array, mode, path))
    return (array // _png_scale(content)).astype(np.uint8)


def _tell_pages(content: bytes, path: object) -> None:
    """Say once if a TIFF has several pages, of which the first is read."""
    if not content.startswith(TIFF_SIGNATURES):
        return
    damaged = (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)
    with contextlib.suppress(*damaged), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the decoder tells of damage
        with Image.open(io.BytesIO(content)) as image:
            count = getattr(image, 'n_frames', 1)
        if count > 1:
            _tell_once(
                'pages',
                f'{path} has {count} pages, of which only the first is read, here and in files like it.',
            )


def picture_size(content: bytes) -> tuple[int, int]:
    """(height, width) as :func:`decode_picture` gives it, from the header alone.

    Raises:
        OSError: no picture.
    """
    with Image.open(io.BytesIO(content)) as image:
        tags = getattr(
            image, 'tag_v2', None
        )  # of a TIFF, whose size some versions of Pillow turn and others do not
        width, height = image.size if tags is None else (tags[WIDTH_TAG], tags[HEIGHT_TAG])
        turned = (image.getexif() if tags is None else tags).get(ORIENTATION_TAG, 1) in (5, 6, 7, 8)
        return (width, height) if turned else (height, width)


def _raw_if_deep(content: bytes) -> NDArray[Any] | None:
    """The undecoded values of a picture that may have more than 8 bits; None for what is read as 8-bit colours."""
    is_png = content.startswith(PNG_SIGNATURE)
    if content[24:25] != b'\x10' if is_png else content.startswith(SHALLOW_SIGNATURES):
        return None
    raw = _imdecode(content, cv2.IMREAD_UNCHANGED)
    if raw is None or (raw.dtype == np.uint8 and not content.startswith(TIFF_SIGNATURES)):
        return None
    return None if raw.dtype == np.uint8 and raw.ndim == 2 else raw


def _three_bands(raw: NDArray[Any], content: bytes, path: object) -> NDArray[Any]:
    """BGR of a TIFF of four bands; said once if the fourth is not marked as transparency.

    Those of 8 bits are decoded by Pillow, since OpenCV multiplies colours by the fourth band.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            extra = getattr(image, 'tag_v2', {}).get(ALPHA_TAG, ())
            marked = image.mode == 'CMYK' or any(kind in ALPHA_KINDS for kind in np.atleast_1d(extra))
            if raw.dtype == np.uint8:
                upright = ImageOps.exif_transpose(image)
                array = np.asarray(upright.convert('RGB') if image.mode == 'CMYK' else upright)
                raw = array[..., 2::-1]
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError):
        marked = False
    if not marked:
        _tell_once(
            'four bands',
            f'{path}: a picture of four bands, of which none is marked as transparency; the first three are read as '
            'red, green and blue. Write pictures of three bands if others are meant.',
        )
    return raw


def _eight_bits(raw: NDArray[Any], path: object) -> NDArray[np.uint8]:
    """16-bit values as 8-bit ones: those of the smallest usual depth that holds them."""
    largest = int(raw.max())
    bits = next(depth for depth in DEPTHS if largest < 2**depth)
    _tell_once(
        f'{bits} bits',
        f'{path}: a 16-bit picture with values up to {largest} is read as {bits} bits, divided by {2 ** (bits - 8)}. '
        'If the depth differs from picture to picture, write 8-bit pictures with one scale for all.',
    )
    return np.right_shift(raw, bits - 8).astype(np.uint8)


def _tell_once(subject: str, text: str) -> None:
    if subject not in _told:
        _told.add(subject)
        logger.warning(text)


def _kind_of(content: bytes) -> str | None:
    """What a file that cannot be decoded is, by its first bytes."""
    if content[4:8] == b'ftyp':
        kind = BOXES.get(content[8:12])
        return f'a picture in the format {kind}, which OpenCV does not read' if kind else 'a video'
    if content[128:132] == b'DICM':
        return 'a DICOM file'
    start = content[:64].lstrip(b'\xef\xbb\xbf \r\n\t').lower()
    return next((kind for mark, kind in KINDS.items() if start.startswith(mark.lower())), None)


def _strange_picture(content: bytes, path: object) -> str:
    raw = _imdecode(content, cv2.IMREAD_UNCHANGED)
    if raw is not None:
        bands = 1 if raw.ndim == 2 else raw.shape[2]
        numbers = NUMPY_NAMES.get(str(raw.dtype), str(raw.dtype))
        found = f'a {numbers} picture of {bands} bands with values {raw.min():g} to {raw.max():g}'
    elif content.startswith(TIFF_SIGNATURES):
        found = 'a TIFF in a form that OpenCV does not read (many bands, rare compression)'
    elif kind := _kind_of(content):
        return f'{path}: found {kind}; expected a picture: PNG, JPEG, TIFF, BMP or WebP. Convert or fetch it.'
    else:
        return (
            f'{path}: damaged file, it cannot be decoded as a picture. Expected a complete PNG or JPEG; copy or '
            'download it again.'
        )
    return (
        f'{path}: found {found}; expected a grey, palette or colour picture of 8 or 16 bits (PNG, JPEG, TIFF, BMP, '
        'WebP). Choose three bands, scale them to 0..255 with one factor for all pictures and save them as PNG.'
    )


def _strange_label(array: NDArray[Any], mode: str, path: object) -> str:
    kinds = {'RGB': 'a colour picture', 'RGBA': 'a colour picture with transparency', 'LA': 'a grey picture with '
             'transparency', 'CMYK': 'a CMYK picture', 'F': 'floating point values'}  # fmt: skip
    found = kinds.get(mode, f'values {array.min()} to {array.max()}')
    return (
        f'{path}: found {found} ({array.shape}, {array.dtype}) as label map; expected one channel of class ids 0..255, '
        'grey or palette. To convert it, replace each colour or value by the id of its class and save an 8-bit PNG.'
    )


def _png_scale(content: bytes) -> int:
    """By what Pillow multiplies the values of a grey PNG of 2 or 4 bits."""
    if not content.startswith(PNG_SIGNATURE) or content[25] != 0:
        return 1
    return {2: 85, 4: 17}.get(content[24], 1)


def _with_pillow(content: bytes, path: object) -> tuple[NDArray[Any], str]:
    try:
        with Image.open(io.BytesIO(content)) as image:
            array = np.asarray(image)
            return (array.astype(np.uint8) if array.dtype == bool else array), image.mode
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as error:
        if kind := _kind_of(content):
            raise DataError(f'{path}: found {kind}; expected a PNG with one channel of class ids.') from error
        raise DataError(
            f'{path}: damaged file, {str(error) or "it cannot be decoded"}. Expected a complete PNG; copy or download '
            'it again.'
        ) from error


def _imdecode(content: bytes, flag: int) -> NDArray[Any] | None:
    decode: Callable[..., NDArray[Any] | None] = cv2.imdecode
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what is wrong is told by the callers
    try:
        return decode(np.frombuffer(content, np.uint8), flag)
    except cv2.error:
        return None
    finally:
        cv2.utils.logging.setLogLevel(level)
