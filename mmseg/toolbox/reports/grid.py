"""Rows of pictures: image, predictions, truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mmseg.toolbox.reports.charts import new_figure
from mmseg.visualization.palette import Palette, colourise, overlay

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class PictureRow:
    """One example.

    Attributes:
        title: short name of the picture.
        image: uint8 (H, W, 3), RGB.
        predictions: class indices (H, W) by run title; 255 = not predicted.
        truth: class indices (H, W), 255 = ignore; None if unknown.
    """

    title: str
    image: np.ndarray
    predictions: Mapping[str, np.ndarray] = field(default_factory=dict)
    truth: np.ndarray | None = None


def row_cells(row: PictureRow, palette: Palette, opacity: float = 0.65) -> list[tuple[str, np.ndarray]]:
    """The row's pictures from left to right as (heading, uint8 RGB (H, W, 3))."""
    cells = [('image', row.image)]
    for name, label in row.predictions.items():
        cells.append((name, overlay(row.image, colourise(label, palette), opacity)))
    if row.truth is not None:
        cells.append(('truth', overlay(row.image, colourise(row.truth, palette), opacity)))
    return cells


def picture_grid(rows: Sequence[PictureRow], palette: Palette, opacity: float = 0.65) -> Figure:
    """A figure with one line of pictures for each row; headings above the first line."""
    lines = [row_cells(row, palette, opacity) for row in rows]
    columns = max((len(line) for line in lines), default=1)
    figure = new_figure((3.0 * columns, 2.3 * max(len(lines), 1)))
    axes = figure.subplots(max(len(lines), 1), columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for i, line in enumerate(lines):
        for j, (heading, picture) in enumerate(line):
            axes[i][j].imshow(picture)
            if i == 0:
                axes[i][j].set_title(heading, fontsize=10)
    return figure
