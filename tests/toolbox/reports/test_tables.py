"""Tables of a page."""

import math
from pathlib import Path

import numpy as np

from mmseg.toolbox.preparation.class_use import count_use
from mmseg.toolbox.reports.facts import run_facts
from mmseg.toolbox.reports.results import RunResult
from mmseg.toolbox.reports.run_folders import RunFolder, read_run_folder
from mmseg.toolbox.reports.tables import overview, result_table, sparkline, use_rows
from tests.toolbox.reports.pages import trained, with_result

RUNS = [RunResult('source-only', {'road': 70.0, 'sky': 50.0}), RunResult('DACS', {'road': 80.0, 'sky': 45.0})]


def test_differences_are_to_the_first_run() -> None:
    mean, road, sky = result_table(RUNS)
    assert (mean[0], mean[1][0].value, mean[1][0].change) == ('mIoU', '60.0', '')
    assert (mean[1][1].value, mean[1][1].change, mean[1][1].kind) == ('62.5', '+2.5', 'up')
    assert (road[1][1].change, sky[1][1].change, sky[1][1].kind) == ('+10.0', '-5.0', 'down')


def test_classes_that_only_one_run_knows() -> None:
    rows = result_table([*RUNS, RunResult('other', {'lane': 5.0, 'sky': math.nan})])
    assert [name for name, _ in rows] == ['mIoU', 'road', 'sky', 'lane']
    assert [cell.value for cell in rows[3][1]] == ['n/a', 'n/a', '5.0']
    assert [(cell.value, cell.number) for cell in rows[2][1]][2] == ('n/a', None)


def test_overview_says_how_far_and_how_good(tmp_path: Path) -> None:
    folder = trained(tmp_path / 'run')
    result = with_result(folder)
    run = read_run_folder(folder)
    (row,) = overview([run], [run_facts(run)])
    cells = {label: (value, text) for label, value, text in row.cells}
    assert cells['student'][1] == f'{result.miou:.1f}'
    assert cells['teacher'] == (None, '–')  # noqa: RUF001
    assert cells['iterations'] == (2000.0, '2000 of 2000')
    assert cells['s / iteration'] == (0.5, '0.500')
    assert cells['best validation'][0] == max(value for _, value in run.log.evaluation['mIoU'])
    assert len(row.spark.split()) == 4


def test_overview_of_a_run_that_has_just_begun(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, 'new')
    (row,) = overview([run], [run_facts(run)])
    assert {text for _, _, text in row.cells} == {'–'}  # noqa: RUF001
    assert row.spark == ''


def test_spark_lines_fill_their_box() -> None:
    assert sparkline([(100, 10.0), (150, math.nan), (200, 30.0)]) == '0.0,22.0 100.0,2.0'
    assert sparkline([(100, 5.0), (200, 5.0)]) == '0.0,22.0 100.0,22.0'
    assert sparkline([(100, 10.0)]) == ''


def test_what_sampling_changes() -> None:
    stored = count_use('disk', [np.bincount([0, 0, 0, 1], minlength=256)])
    delivered = count_use('fed', [np.bincount([0, 1], minlength=256), np.bincount([1, 2], minlength=256)])
    road, sky, car = use_rows(stored, delivered, ['road', 'sky', 'car', 'bus'], {'sky': 'blue'})
    assert (road.stored, road.delivered, road.times, road.present) == (75.0, 25.0, 1 / 3, 50.0)
    assert (sky.times, sky.colour, sky.present) == (2.0, 'blue', 100.0)
    assert (car.stored, car.times) == (0.0, None)
