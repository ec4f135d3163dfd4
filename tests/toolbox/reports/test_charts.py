"""Charts: what they show, not how they look."""

import numpy as np
import pytest

from mmseg.errors import UsageError
from mmseg.toolbox.reports.charts import (
    class_bars,
    confusion_chart,
    curve_figure,
    learning_curves,
    new_figure,
    row_normalised,
    save_figure,
)
from mmseg.toolbox.reports.logs import RunLog
from mmseg.toolbox.reports.results import RunResult

RUNS = [
    RunResult('source-only', {'road': 70.0, 'sky': 50.0}),
    RunResult('DACS', {'road': 80.0, 'sky': float('nan')}),
]


def test_rows_add_up_to_one_and_empty_rows_are_unknown():
    share = row_normalised(np.array([[3, 1], [0, 0]]))
    assert share[0].tolist() == [0.75, 0.25]
    assert np.isnan(share[1]).all()


def test_a_chart_is_written_whole_or_refused(tmp_path):
    save_figure(new_figure((1, 1)), tmp_path / 'new' / 'x.svg')
    assert '</svg>' in (tmp_path / 'new' / 'x.svg').read_text()
    with pytest.raises(UsageError, match=r'x\.xyz: .*\.png'):
        save_figure(new_figure((1, 1)), tmp_path / 'x.xyz')


def test_bars_hold_the_mean_and_every_class():
    axis = class_bars(RUNS).axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == ['mean', 'road', 'sky']
    assert [bar.get_height() for bar in axis.patches] == pytest.approx([60, 70, 50, 80, 80, 0])


def test_curves_show_what_the_logs_hold():
    source = RunLog({'decode.loss_seg': [(50, 1.0)]}, {'mIoU': [(50, 30.0)]})
    adapted = RunLog({'decode.loss_seg': [(50, 2.0)], 'mix.decode.loss_seg': [(50, 0.5)]}, {})
    figure = learning_curves({'source-only': source, 'DACS': adapted})
    assert [len(axis.lines) for axis in figure.axes] == [2, 1, 1]


def test_no_logs_give_an_empty_figure():
    assert len(learning_curves({}).axes) == 1


def test_confusion_writes_percentages():
    axis = confusion_chart(np.array([[3, 1], [0, 0]]), ['road', 'sky']).axes[0]
    assert [text.get_text() for text in axis.texts] == ['75', '25']


def test_confusion_of_what_is_predicted():
    axis = confusion_chart(np.array([[3, 1], [0, 3]]), ['road', 'sky'], by='predicted').axes[0]
    assert [text.get_text() for text in axis.texts] == ['100', '25', '75']


def test_smoothed_curves_stay_with_their_values_and_short_ones_as_they_are():
    long = [(i, float(i)) for i in range(12)]
    panels = {'loss': {'a': long, 'b': []}, 'none': {'a': []}, 'mIoU': {'b': long[:2]}}
    axes = curve_figure(panels, smoothing=0.5).axes
    assert [[line.get_alpha() for line in axis.lines] for axis in axes] == [[0.3, None], [None]]
    assert axes[0].lines[0].get_ydata().tolist() == list(range(12))
    assert axes[1].lines[0].get_ydata().tolist() == [0, 1]
