"""How far pixels are from the next class: scores near to and far from boundaries (a 'trimap')."""

import cv2
import numpy as np
from numpy.typing import NDArray


def boundary_distance(label: NDArray[np.integer], ignore_index: int = 255) -> NDArray[np.float32]:
    """Euclidean distance of every pixel to the nearest one of another class.

    Args:
        label: (H, W) class ids.
        ignore_index: pixels without a class: they make no boundary.

    Returns:
        float32 (H, W), in pixels, 1 right at the boundary; infinite where no other class is in the picture and
        where ``label`` is ``ignore_index``.
    """
    nearest = np.full(label.shape, np.inf, np.float32)
    present = [value for value in np.unique(label) if value != ignore_index]
    for value in present if len(present) > 1 else []:
        inside = label == value
        others = inside | (label == ignore_index)
        to_others = cv2.distanceTransform(others.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        nearest[inside] = to_others[inside]
    return nearest


def within_band(
    label: NDArray[np.integer], nearest: float, farthest: float, ignore_index: int = 255
) -> NDArray[np.integer]:
    """A label (H, W) in which only pixels count that are so far from another class.

    Args:
        label: (H, W) class ids.
        nearest: the least distance in pixels.
        farthest: the distance from which on pixels do not count; infinite: all others do, also where no other class
            is in the picture.
        ignore_index: what the others become.
    """
    distance = boundary_distance(label, ignore_index)
    counts = (distance >= nearest) & ((distance < farthest) | (farthest == np.inf))
    return np.where(counts, label, ignore_index).astype(label.dtype)
