"""Tables of runs."""

import pytest

from mmseg.errors import UsageError
from mmseg.toolbox.reports.log_tables import choose_curves, score_table, speed_table, usual_curves
from mmseg.toolbox.reports.logs import RunLog

FIRST = RunLog(
    {'decode.loss_seg': [(50, 1.0)]},
    {'mIoU': [(50, 30.0), (100, 40.0), (150, 35.0)], 'IoU.road': [(50, 9.0)]},
    {'time': [(50, 1.0), (100, 3.0)], 'data_time': [(50, 0.5), (100, 0.5)]},
)
LOGS = {
    'first': FIRST,
    'second': RunLog({'lr': [(50, 0.1)]}, {}, {'time': [(50, 2.0)], 'memory': [(50, 99)]}),
}


def cells(table):
    return [[cell.strip() for cell in line.split('|')[1:-1]] for line in table.splitlines() if '|' in line][
        1:
    ]


def test_scores_show_the_last_and_the_best_evaluation():
    assert cells(score_table(LOGS)) == [['first', '150', '3', '35.00', '40.00', '100']]
    assert score_table({'second': LOGS['second']}) == ''


def test_times_show_the_slowest_interval_and_the_share_of_the_data():
    assert cells(speed_table(LOGS)) == [
        ['first', '2.000', '2.000', '1.000', '3.000', '100', '25.0', ''],
        ['second', '2.000', '2.000', '2.000', '2.000', '50', '0.0', '99'],
    ]
    assert speed_table({'x': RunLog()}) == ''


def test_names_are_chosen_by_pattern():
    chosen = choose_curves(LOGS, ['*IoU*'])
    assert list(chosen) == ['mIoU', 'IoU.road']
    assert chosen['mIoU']['second'] == []
    assert usual_curves(LOGS) == ['decode.loss_seg', 'mIoU']
    with pytest.raises(UsageError, match=r'mixx.*There are: mIoU'):
        choose_curves(LOGS, ['mixx'])
