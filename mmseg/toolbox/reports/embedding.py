"""Pictures and numbers as texts that a page carries in itself."""

import base64
import io
import json
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmseg.visualization.palette import IGNORE_COLOUR, Palette

WIDTH = 640
"""Pixels that pictures of a page are wide at most: what a laptop shows, so that a page stays small."""
QUALITY = 80

SHADES = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Colours of 0, 0.25, 0.5, 0.75 and 1 in maps of numbers, dark to light, told apart without seeing red or green."""


def photo_address(picture: NDArray[np.uint8], width: int = WIDTH) -> str:
    """RGB uint8 (H, W, 3) as a data address of a JPEG, at most ``width`` pixels wide."""
    return _address(Image.fromarray(fitted(picture, width, cv2.INTER_AREA)), 'JPEG', quality=QUALITY)


def label_address(label: NDArray[Any], palette: Palette, width: int = WIDTH) -> str:
    """Class ids (H, W) as a data address of a PNG in class colours; ids outside the palette become black."""
    table = np.full((256, 3), IGNORE_COLOUR, np.uint8)
    table[: len(palette)] = np.asarray(palette, np.uint8).reshape(-1, 3)
    return _coloured(fitted(np.asarray(label).astype(np.uint8), width, cv2.INTER_NEAREST), table)


def shade_address(values: NDArray[Any], width: int = WIDTH) -> str:
    """Numbers in [0, 1] (H, W) as a data address of a PNG in the colours :data:`SHADES`."""
    places = np.linspace(0, 255, len(SHADES))
    table = np.stack([np.interp(np.arange(256), places, channel) for channel in np.array(SHADES).T], axis=1)
    grey = np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
    return _coloured(fitted(grey, width, cv2.INTER_AREA), table.astype(np.uint8))


def fitted(picture: NDArray[np.uint8], width: int, interpolation: int) -> NDArray[np.uint8]:
    """A picture (H, W) or (H, W, 3), made smaller if it is wider than ``width`` pixels."""
    height, given = picture.shape[:2]
    if given <= width:
        return np.ascontiguousarray(picture)
    size = (width, max(round(height * width / given), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=interpolation), np.uint8)


def data_script(values: Any) -> str:
    """Values as JSON that stands in a ``<script type="application/json">``: nothing in it ends the script.

    Numbers have five digits; those that are not finite become null.
    """
    text = json.dumps(_rounded(values), separators=(',', ':'), allow_nan=False)
    return text.replace('<', '\\u003c').replace('>', '\\u003e').replace('&', '\\u0026')


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f'{value:.5g}') if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(entry) for entry in value]
    return value


def _coloured(indices: NDArray[np.uint8], table: NDArray[np.uint8]) -> str:
    """Indices (H, W) of a table (256, 3) as a PNG with a palette, a third of one in full colours."""
    picture = Image.fromarray(indices)
    picture.putpalette(table.tobytes())
    return _address(picture, 'PNG', optimize=True)


def _address(picture: Image.Image, kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return f'data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}'
