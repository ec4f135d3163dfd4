"""Margins of target pictures where pseudo-labels do not count (docs/methods/datasets.md#pseudo-label-margins)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmseg.errors import ConfigError


def margin_mask(
    margins: Sequence[int] | None, full_size: tuple[int, int] | None, kind: str
) -> NDArray[np.uint8] | None:
    """uint8 map of ``full_size``, 0 within the margins and 1 elsewhere; None without margins.

    Args:
        margins: top, bottom, left, right in pixels.
        full_size: (height, width) of the pictures.
        kind: name of the data set's class.

    Raises:
        ConfigError: the full size is not known, or there are not four margins.
    """
    if margins is None:
        return None
    if full_size is None or len(margins) != 4:
        raise ConfigError(
            f'crop_pseudo_margins: {list(margins)} given to {kind}; expected [top, bottom, left, right] on a target '
            'data set whose full size is known (CityscapesDataset and its kind).'
        )
    height, width = full_size
    top, bottom, left, right = margins
    mask = np.zeros(full_size, np.uint8)
    mask[top : height - bottom, left : width - right] = 1
    return mask
