"""Pictures of segmentations."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmseg.toolbox.reports.legend import with_legend
from mmseg.visualization.palette import Palette, colourise, overlay


def draw(
    picture: NDArray[np.uint8],
    label_map: NDArray[np.uint8],
    names: Sequence[str],
    palette: Palette,
    opacity: float = 0.5,
    legend: Sequence[int] | bool = True,
) -> NDArray[np.uint8]:
    """Class colours over a picture.

    Args:
        picture: BGR uint8 (H, W, 3).
        label_map: class ids uint8 (H, W).
        names: class names.
        palette: RGB colours by class id.
        opacity: weight of the colours, in (0, 1].
        legend: put names and colours below: True for the classes that occur, or their ids; False for none.

    Returns:
        RGB uint8 (H + h, W, 3); h is the height of the legend.
    """
    blended = overlay(np.ascontiguousarray(picture[..., ::-1]), colourise(label_map, palette), opacity)
    if legend is False:
        return blended
    shown = np.unique(label_map).tolist() if legend is True else legend
    return with_legend(blended, names, palette, shown)
