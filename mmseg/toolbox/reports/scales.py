"""Panels of multi-resolution networks: what each scale predicts, and where the detail is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmseg.toolbox.reports.charts import new_figure
from mmseg.visualization.palette import Palette, colourise, overlay

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ATTENTION_COLOURS = 'viridis'


@dataclass(frozen=True)
class ScalePanel:
    """One picture as a multi-resolution network sees it.

    Attributes:
        title: short name of the picture.
        image: uint8 (H, W, 3), RGB.
        context, detail, fused: class ids (H, W), predicted from the context (low resolution), from the detail (high
            resolution), from both.
        attention: trust in the detail, (H, W) in [0, 1].
        truth: class ids (H, W), 255 = ignore; None if unknown.
    """

    title: str
    image: np.ndarray
    context: np.ndarray
    detail: np.ndarray
    attention: np.ndarray
    fused: np.ndarray
    truth: np.ndarray | None = None


def panel_cells(panel: ScalePanel, palette: Palette, opacity: float = 0.65) -> list[tuple[str, np.ndarray]]:
    """The panel from left to right as (heading, uint8 RGB (H, W, 3)), the attention as float (H, W) in [0, 1]."""

    def coloured(label: np.ndarray) -> np.ndarray:
        return overlay(panel.image, colourise(label, palette), opacity)

    cells = [
        ('image', panel.image),
        ('LR prediction', coloured(panel.context)),
        ('HR prediction', coloured(panel.detail)),
        ('attention to HR', panel.attention),
        ('fused', coloured(panel.fused)),
    ]
    return cells if panel.truth is None else [*cells, ('truth', coloured(panel.truth))]


def scale_figure(panels: Sequence[ScalePanel], palette: Palette, opacity: float = 0.65) -> Figure:
    """A figure with one line of pictures a panel, headings above the first line, a colour bar for the attention."""
    lines = [panel_cells(panel, palette, opacity) for panel in panels]
    columns = max((len(line) for line in lines), default=1)
    ratio = panels[0].image.shape[0] / panels[0].image.shape[1] if panels else 1.0
    figure = new_figure((3.0 * columns, (3.0 * ratio + 0.3) * max(len(lines), 1)))
    axes = figure.subplots(max(len(lines), 1), columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for i, line in enumerate(lines):
        for axis, (heading, picture) in zip(axes[i], line, strict=False):
            _show(axis, picture)
            if i == 0:
                axis.set_title(heading, fontsize=10)
    return figure


def _show(axis: Axes, picture: np.ndarray) -> None:
    """Draw a picture; one of numbers in [0, 1] gets colours and their bar."""
    if picture.ndim == 3:
        axis.imshow(picture)
        return
    drawn = axis.imshow(picture, cmap=ATTENTION_COLOURS, vmin=0, vmax=1)
    axis.figure.colorbar(drawn, ax=axis, ticks=[0, 0.5, 1], shrink=0.8, pad=0.02)
