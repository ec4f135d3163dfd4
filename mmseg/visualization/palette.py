"""Class indices to colours, normalised pictures to grey levels."""

from collections.abc import Sequence

import numpy as np

Palette = Sequence[Sequence[int]]
"""One RGB triple in 0..255 for each class."""

IGNORE_COLOUR = (0, 0, 0)


def denormalised(image: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """A normalised picture (3, H, W) as uint8 (H, W, 3), channels in the same order.

    Args:
        image: float (3, H, W).
        mean, std: of its normalisation, in grey levels 0..255.
    """
    shades = image.transpose(1, 2, 0) * np.asarray(std, np.float32) + np.asarray(mean, np.float32)
    return np.asarray(shades.clip(0, 255).round(), np.uint8)


def colourise(label: np.ndarray, palette: Palette) -> np.ndarray:
    """Paint a label map.

    Args:
        label: integer (H, W); indices outside the palette (255 = ignore) become black.
        palette: RGB colours by class index.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    table = np.zeros((256, 3), np.uint8)
    table[:] = IGNORE_COLOUR
    table[: len(palette)] = np.asarray(palette, np.uint8)
    return table[np.asarray(label).astype(np.uint8)]


def overlay(image: np.ndarray, colours: np.ndarray, opacity: float = 0.5) -> np.ndarray:
    """Blend colours over a picture.

    Args:
        image: uint8 (H, W, 3).
        colours: uint8 (H, W, 3) in the same channel order.
        opacity: weight of the colours in [0, 1]; 1 hides the picture.

    Returns:
        uint8 (H, W, 3), rounded.
    """
    mixed = image.astype(np.float32) * (1.0 - opacity) + colours.astype(np.float32) * opacity
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
