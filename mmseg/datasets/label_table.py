"""One table for everything that sees label maps: training, scoring, statistics, checks.

An id of a label file goes through four changes, in this order: ``reduce_zero_label``, the chosen ``classes``,
``class_merge``, ``ignore_index``. What comes out is a class 0..C-1 or :data:`IGNORED`, so that nothing behind the table
has to know which id a data set ignores.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

IGNORED = 255
"""The id of pixels without a class, in every label map behind the table."""

Table = NDArray[np.uint8]
"""256 ids (uint8): what each id of a label file becomes."""


def label_table(
    reduce_zero_label: bool = False,
    chosen: Sequence[int] | None = None,
    merge: Table | None = None,
    ignore_index: int = IGNORED,
) -> Table | None:
    """The table of a data set; None if it changes nothing.

    Args:
        reduce_zero_label: 0 becomes :data:`IGNORED` and every other id is lowered by one.
        chosen: ids that become 0, 1, ...; all others are ignored. None keeps all.
        merge: what each id counts as.
        ignore_index: the id that does not count, as it is after the other changes.
    """
    table = reduced_table() if reduce_zero_label else np.arange(256, dtype=np.uint8)
    if chosen is not None:
        table = _chosen_table(chosen)[table]
    if merge is not None:
        table = merge[table]
    table = np.where(table == ignore_index, IGNORED, table).astype(np.uint8)
    return None if np.array_equal(table, np.arange(256)) else table


def reduced_table() -> Table:
    """0 and 255 become 255, every other id is lowered by one (docs/methods/pipelines.md#loadannotations)."""
    ids = np.arange(256)
    return np.where((ids == 0) | (ids == IGNORED), IGNORED, ids - 1).astype(np.uint8)


def _chosen_table(chosen: Sequence[int]) -> Table:
    table = np.full(256, IGNORED, np.uint8)
    table[list(chosen)] = np.arange(len(chosen))
    return table
