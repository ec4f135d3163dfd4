"""Charts of results: curves, row-normalised confusion matrix.

All functions return a matplotlib ``Figure`` that belongs to no window and no global state. matplotlib is
imported when the first figure is drawn, so that programs which draw none start quickly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from mmseg.errors import UsageError
from mmseg.fileio import atomic_write
from mmseg.toolbox.reports.logs import Series, smoothed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ('#8a94a6', '#1f6feb', '#e07a1f', '#2a9d5c', '#9b59b6', '#c0392b', '#16a2b8', '#7a5c3e')
"""Line and bar colours by run; the first (what the others are compared with) is grey."""

FIGURE_ENDINGS = ('.png', '.pdf', '.svg')

FEW = 12
"""Curves of fewer values get a marker for each and are not smoothed."""


def new_figure(size: tuple[float, float]) -> Figure:
    """An empty figure of (width, height) inches that arranges its parts itself."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout='constrained')


def check_figure_file(path: Path) -> None:
    """Make sure that the ending of a file is that of a chart; raises UsageError."""
    if path.suffix not in FIGURE_ENDINGS:
        raise UsageError(
            f'{path}: a chart is written as {", ".join(FIGURE_ENDINGS)}; give it one of these endings.'
        )


def save_figure(figure: Figure, path: Path, dpi: int = 100) -> None:
    """Write a chart, atomically; the ending of the file says how.

    Raises:
        UsageError: another ending than :data:`FIGURE_ENDINGS`.
    """
    check_figure_file(path)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=dpi)


def curve_figure(
    panels: Mapping[str, Mapping[str, Series]], smoothing: float = 0.0, title: str = '', columns: int = 4
) -> Figure:
    """Curves against the iteration, a panel each quantity, a colour each run.

    Args:
        panels: series by run title by heading; empty series and panels are left out.
        smoothing: weight of the past in [0, 1); the values themselves stay visible behind the smoothed line.
        title: heading of all.
        columns: panels side by side.
    """
    titles = list(dict.fromkeys(run for lines in panels.values() for run in lines))
    filled = {
        label: {run: series for run, series in lines.items() if series} for label, lines in panels.items()
    }
    filled = {label: lines for label, lines in filled.items() if lines}
    columns = max(min(columns, len(filled)), 1)
    rows = max(-(-len(filled) // columns), 1)
    figure = new_figure((4.2 * columns, 3.1 * rows))
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis, (label, lines) in zip(axes, filled.items(), strict=False):
        for run, series in lines.items():
            _draw(axis, series, run, run_colour(titles.index(run)), smoothing)
        axis.set_title(label, fontsize=10)
        axis.set_xlabel('iteration')
        axis.set_ylim(bottom=min(0.0, axis.get_ylim()[0]))
        tidy(axis)
    for axis in axes[max(len(filled), 1) :]:
        axis.set_axis_off()
    if filled:
        axes[len(filled) - 1].legend(*_legend_of(axes), frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11)
    return figure


def confusion_chart(
    confusion: np.ndarray, names: Sequence[str], title: str = '', by: Literal['true', 'predicted'] = 'true'
) -> Figure:
    """Confusion matrix in percent.

    Args:
        confusion: integer (C, C); rows = truth, columns = prediction.
        names: C class names.
        title: heading.
        by: of the 'true' pixels (rows add up to 100, recall on the diagonal) or of the 'predicted' ones (columns add
            up to 100, precision on the diagonal).
    """
    share = 100 * (row_normalised(confusion) if by == 'true' else row_normalised(confusion.T).T)
    size = 0.42 * len(names) + 2.2
    figure = new_figure((size, size))
    axis = figure.subplots()
    axis.imshow(np.nan_to_num(share), cmap='Blues', vmin=0, vmax=100)
    axis.set_xticks(range(len(names)), names, rotation=45, ha='right', fontsize=8)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set_xlabel('predicted')
    axis.set_ylabel('true')
    axis.set_title(title, fontsize=10)
    for (i, j), value in np.ndenumerate(share):
        if np.isfinite(value) and value >= 1:
            axis.text(
                j,
                i,
                f'{value:.0f}',
                ha='center',
                va='center',
                fontsize=7,
                color='white' if value > 55 else '#333',
            )
    return figure


def row_normalised(confusion: np.ndarray) -> np.ndarray:
    """Each row divided by its sum, float64 in [0, 1]; rows without pixels become NaN."""
    counts = np.asarray(confusion, np.float64)
    total = counts.sum(1, keepdims=True)
    return np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0)


def _draw(axis: Axes, series: Series, title: str, colour: str, smoothing: float) -> None:
    few = len(series) < FEW
    if few:
        smoothing = 0.0
    if smoothing:
        axis.plot(*zip(*series, strict=True), color=colour, linewidth=0.8, alpha=0.3)
    axis.plot(
        *zip(*smoothed(series, smoothing), strict=True),
        label=title,
        color=colour,
        linewidth=1.6,
        marker='o' if few else '',
        markersize=3,
    )


def _legend_of(axes: Sequence[Axes]) -> tuple[list[object], list[str]]:
    """Every run once, whichever panels it occurs in."""
    found: dict[str, object] = {}
    for axis in axes:
        found.update((label, handle) for handle, label in zip(*axis.get_legend_handles_labels(), strict=True))
    return list(found.values()), list(found)


def run_colour(index: int) -> str:
    """Colour of run number ``index``, from 0."""
    return COLOURS[index % len(COLOURS)]


def tidy(axis: Axes, grid: Literal['x', 'y', 'both'] = 'y') -> None:
    """Take away what does not help to read a chart; faint lines across the axis ``grid``."""
    axis.spines[['top', 'right']].set_visible(False)
    axis.grid(axis=grid, color='#e6e9ee', linewidth=0.8)
    axis.set_axisbelow(True)
