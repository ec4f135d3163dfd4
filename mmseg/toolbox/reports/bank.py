"""Picture of an instance bank: class histogram, norms, cosines of all pairs, 2-D projection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmseg.toolbox.bank.statistics import cosine_matrix, projection
from mmseg.toolbox.reports.charts import new_figure
from mmseg.uda.instance_bank.files import Features, Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def bank_figure(
    features: Features, labels: Labels, names: Sequence[str], colours: Sequence[Sequence[int]]
) -> Figure:
    """Four panels.

    Args:
        features, labels: float32 (K, D) and int64 (K,).
        names: of the classes, by id.
        colours: RGB 0..255 of the classes, by id.
    """
    rgb = np.asarray(colours, float) / 255
    figure = new_figure((11, 8.5))
    axes = figure.subplots(2, 2)
    _counts(axes[0, 0], labels, names, rgb)
    _norms(axes[0, 1], features, labels, names, rgb)
    order = np.argsort(labels, kind='stable')
    image = axes[1, 0].imshow(cosine_matrix(features[order]), vmin=0, vmax=1, cmap='viridis')
    axes[1, 0].set_title('Cosine of all pairs, rows sorted by class')
    figure.colorbar(image, ax=axes[1, 0], shrink=0.8)
    points = projection(features)
    for c in np.unique(labels):
        axes[1, 1].scatter(
            *points[labels == c].T, color=rgb[c], edgecolor='#333', linewidth=0.3, label=names[c]
        )
    axes[1, 1].set_title('Two principal components of unit rows')
    axes[1, 1].legend(fontsize=7, ncols=2, frameon=False)
    return figure


def _counts(axis: Axes, labels: Labels, names: Sequence[str], rgb: np.ndarray) -> None:
    counts = np.bincount(labels, minlength=len(names))
    axis.bar(np.arange(len(names)), counts, color=rgb[: len(names)], edgecolor='#333', linewidth=0.5)
    axis.set_xticks(np.arange(len(names)), names, rotation=60, ha='right', fontsize=8)
    axis.set_title('Rows of each class')


def _norms(axis: Axes, features: Features, labels: Labels, names: Sequence[str], rgb: np.ndarray) -> None:
    axis.scatter(labels, np.linalg.norm(features, axis=1), color=rgb[labels], edgecolor='#333', linewidth=0.3)
    axis.set_xticks(np.arange(len(names)), names, rotation=60, ha='right', fontsize=8)
    axis.set_ylim(bottom=0)
    axis.set_title('Norms of the rows')
