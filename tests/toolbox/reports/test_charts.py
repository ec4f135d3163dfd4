"""Charts: what they show, not how they look."""

import numpy as np
import pytest

from mmseg.errors import UsageError
from mmseg.toolbox.reports.charts import (
    confusion_chart,
    curve_figure,
    new_figure,
    row_normalised,
    save_figure,
)


def test_rows_add_up_to_one_and_empty_rows_are_unknown():
    share = row_normalised(np.array([[3, 1], [0, 0]]))
    assert share[0].tolist() == [0.75, 0.25]
    assert np.isnan(share[1]).all()


def test_a_chart_is_written_whole_or_refused(tmp_path):
    save_figure(new_figure((1, 1)), tmp_path / 'new' / 'x.svg')
    assert '</svg>' in (tmp_path / 'new' / 'x.svg').read_text()
    with pytest.raises(UsageError, match=r'x\.xyz: .*\.png'):
        save_figure(new_figure((1, 1)), tmp_path / 'x.xyz')


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
