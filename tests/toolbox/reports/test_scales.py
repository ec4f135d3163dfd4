"""Panels of multi-resolution networks."""

import numpy as np

from mmseg.toolbox.reports.scales import ScalePanel, panel_cells, scale_figure

PALETTE = [[128, 64, 128], [244, 35, 232]]


def panel(truth: bool = True) -> ScalePanel:
    image = np.full((4, 6, 3), 200, np.uint8)
    zeros, ones = np.zeros((4, 6), np.int64), np.ones((4, 6), np.int64)
    attention = np.linspace(0, 1, 24).reshape(4, 6)
    return ScalePanel('a', image, zeros, ones, attention, ones, zeros if truth else None)


def test_cells_from_left_to_right() -> None:
    cells = panel_cells(panel(), PALETTE, opacity=1)
    names = ['image', 'LR prediction', 'HR prediction', 'attention to HR', 'fused', 'truth']
    assert [name for name, _ in cells] == names
    pictures = dict(cells)
    assert pictures['LR prediction'][0, 0].tolist() == PALETTE[0]
    assert pictures['HR prediction'][0, 0].tolist() == PALETTE[1]
    assert pictures['attention to HR'].ndim == 2


def test_figure_has_a_colour_bar_for_each_attention_map() -> None:
    figure = scale_figure([panel(), panel(truth=False)], PALETTE)
    assert len(figure.axes) == 2 * 6 + 2
    bars = figure.axes[12:]
    assert [tuple(axis.get_ylim()) for axis in bars] == [(0, 1), (0, 1)]
    assert [axis.get_title() for axis in figure.axes[6:12]] == [''] * 6
