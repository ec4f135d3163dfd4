"""A legend of class colours below a picture."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmseg.visualization.palette import Palette

SMALLEST, LARGEST = 10, 40
PICTURE_WIDTHS = 50
"""A letter is as high as the picture's width divided by this, within the two limits above (pixels)."""


def with_legend(
    picture: np.ndarray, names: Sequence[str], palette: Palette, shown: Sequence[int] | None = None
) -> np.ndarray:
    """Put a strip with a coloured box and a name for each class below a picture.

    Args:
        picture: uint8 (H, W, 3), RGB.
        names: class names.
        palette: RGB colours by class id.
        shown: ids of the classes that the strip shows; all if None. Others than 0..len(names)-1 are left out.

    Returns:
        uint8 (H + h, W, 3), RGB; h depends on ``W`` and ``shown`` only.
    """
    ids = range(len(names)) if shown is None else [int(i) for i in shown if 0 <= i < len(names)]
    width = picture.shape[1]
    letter = min(max(width // PICTURE_WIDTHS, SMALLEST), LARGEST)
    font = ImageFont.load_default(letter)
    box, gap = letter, letter // 2
    places, x, y = [], gap, gap
    for i in ids:
        length = box + gap // 2 + int(font.getlength(names[i])) + 2 * gap
        if x > gap and x + length > width:
            x, y = gap, y + letter + gap
        places.append((i, x, y))
        x += length
    strip = Image.new('RGB', (width, y + letter + gap), 'white')
    draw = ImageDraw.Draw(strip)
    for i, x, y in places:
        draw.rectangle((x, y, x + box, y + letter), fill=tuple(palette[i]), outline='black')
        draw.text((x + box + gap // 2, y + letter // 2), names[i], fill='black', font=font, anchor='lm')
    return np.concatenate([picture, np.asarray(strip)])
