"""The HTML report."""

import json

import numpy as np
import pytest

from mmseg.errors import DataError
from mmseg.toolbox.reports.grid import PictureRow, picture_grid
from mmseg.toolbox.reports.report import result_table, write_report
from mmseg.toolbox.reports.results import RunResult
from mmseg.toolbox.reports.scales import ScalePanel

PALETTE = [(128, 64, 128), (70, 130, 180)]
RUNS = [
    RunResult('source-only', {'road': 70.0, 'sky': 50.0}),
    RunResult('DACS', {'road': 80.0, 'sky': 45.0}, np.array([[9, 1], [2, 8]])),
]


def picture():
    image = np.full((8, 10, 3), 90, np.uint8)
    label = np.zeros((8, 10), np.uint8)
    return PictureRow('crossing', image, {'source-only': label, 'DACS': label + 1}, label)


def test_differences_are_to_the_first_run():
    mean, road, sky = result_table(RUNS)
    assert (mean[0], mean[1][0].value, mean[1][0].change) == ('mIoU', '60.0', '')
    assert (mean[1][1].value, mean[1][1].change, mean[1][1].kind) == ('62.5', '+2.5', 'up')
    assert (road[1][1].change, sky[1][1].change, sky[1][1].kind) == ('+10.0', '-5.0', 'down')


def test_one_file_that_needs_no_other(tmp_path):
    log = tmp_path / 'a.log.json'
    log.write_text(json.dumps({'mode': 'train', 'iter': 50, 'decode.loss_seg': 1.0}))
    runs = [RUNS[0], RunResult('DACS', RUNS[1].class_iou, RUNS[1].confusion, log)]
    path = write_report(
        tmp_path / 'new',
        runs,
        [picture()],
        palette=PALETTE,
        class_names=['road', 'sky'],
        title='A & B',
        commands=['make demo'],
    )
    page = path.read_text()
    assert [file.name for file in path.parent.iterdir()] == ['report.html']
    assert 'A &amp; B' in page
    assert page.count('<img src="data:image/') == 3 + 4
    assert 'src="http' not in page
    assert 'Two resolutions' not in page
    assert '+2.5' in page
    assert 'make demo' in page


def test_what_both_resolutions_predict(tmp_path):
    row = picture()
    label = row.predictions['DACS']
    panel = ScalePanel(row.title, row.image, label, label, np.full(label.shape, 0.5), label, row.truth)
    page = write_report(tmp_path, RUNS, scales={'DACS': [panel, panel]}, palette=PALETTE).read_text()
    assert 'Two resolutions' in page
    assert page.count('<img src="data:image/jpeg') == 1
    assert 'DACS · crossing, crossing' in page


def test_no_run_is_an_error(tmp_path):
    with pytest.raises(DataError, match='at least one tested run'):
        write_report(tmp_path, [])


def test_grid_has_a_line_for_each_row():
    figure = picture_grid([picture(), picture()], PALETTE)
    assert len(figure.axes) == 8
    assert [axis.get_title() for axis in figure.axes[:4]] == ['image', 'source-only', 'DACS', 'truth']
