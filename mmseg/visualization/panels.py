"""Small pictures with titles side by side: debug pictures of training.

Drawn without matplotlib, whose axes take several times as long: a run draws dozens of panels at once.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

SIDE = 300
"""Pixels of a panel: 3 inches at 100 dpi, as published."""

TITLE_HEIGHT, MARGIN, FONT_SIZE = 24, 3, 14


def draw_panels(rows: Sequence[Sequence[tuple[str, np.ndarray]]], columns: int) -> Image.Image:
    """A white picture with a square of :data:`SIDE` pixels a panel.

    Args:
        rows: panels: title and picture, uint8 RGB (H, W, 3) or grey values (H, W) in [0, 1].
        columns: panels of the longest row.
    """
    figure = Image.new('RGB', (SIDE * columns, SIDE * len(rows)), 'white')
    pen, font = ImageDraw.Draw(figure), ImageFont.load_default(FONT_SIZE)
    for i, panels in enumerate(rows):
        for j, (title, values) in enumerate(panels):
            left, top = SIDE * j, SIDE * i
            pen.text((left + SIDE // 2, top + TITLE_HEIGHT // 2), title, 'black', font, anchor='mm')
            picture = _fitting(values)
            x = left + (SIDE - picture.width) // 2
            y = top + TITLE_HEIGHT + (SIDE - TITLE_HEIGHT - picture.height) // 2
            figure.paste(picture, (x, y))
    return figure


def _fitting(picture: np.ndarray) -> Image.Image:
    """The picture as large as the panel has room for; grey values become shades."""
    shades = picture if picture.dtype == np.uint8 else (picture.clip(0, 1) * 255).round().astype(np.uint8)
    room = (SIDE - 2 * MARGIN, SIDE - TITLE_HEIGHT - MARGIN)
    return ImageOps.contain(Image.fromarray(np.ascontiguousarray(shades)), room, Image.Resampling.BOX)
