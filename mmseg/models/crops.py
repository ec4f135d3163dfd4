"""Random detail crops (spec/hrda.md 1.2)."""

from collections.abc import Sequence


def crop_offset_bounds(size: Sequence[int], crop: Sequence[int], divisible: int) -> tuple[int, int] | None:
    """Exclusive upper bounds of the two integers, y then x, that a crop's offset is drawn as.

    The offset in pixels is the integer times ``divisible``. Quirk: the bound is (margin + 1) // divisible, so
    with a margin of 512 and a divisor of 8 the last position, 512, is never drawn.

    Args:
        size: (height, width) of the image.
        crop: (height, width) of the crop; a side longer than the image's starts at 0.
        divisible: offsets are multiples of it, 1 or more.

    Returns:
        The bounds, or None if the image has exactly the crop's size, so that nothing is drawn.

    Raises:
        ValueError: the crop fits, but no multiple of ``divisible`` may be drawn.
    """
    if tuple(size) == tuple(crop):
        return None
    margins = [max(whole - part, 0) for whole, part in zip(size, crop, strict=True)]
    bounds = [(margin + 1) // divisible for margin in margins]
    if min(bounds) < 1:
        raise ValueError(
            f'A crop of {tuple(crop)} in an image of {tuple(size)} leaves no offset that is a multiple of '
            f'{divisible}; use an image with more margin or a smaller crop_coord_divisible.'
        )
    return bounds[0], bounds[1]
