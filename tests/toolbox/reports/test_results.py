"""Result files."""

import math

import numpy as np
import pytest

from mmseg.errors import DataError
from mmseg.toolbox.reports.results import RunResult, load_result, save_result


def test_mean_leaves_out_absent_classes():
    assert RunResult('a', {'road': 80.0, 'train': math.nan, 'sky': 60.0}).miou == pytest.approx(70.0)
    assert math.isnan(RunResult('a', {'train': math.nan}).miou)


def test_a_result_survives_its_file(tmp_path):
    result = RunResult(
        'DACS',
        {'road': 81.25, 'train': math.nan},
        np.array([[3, 1], [0, 0]]),
        tmp_path / 'x.log.json',
        'teacher',
        'seed 0',
    )
    save_result(tmp_path / 'result.json', result)
    loaded = load_result(tmp_path / 'result.json')
    assert loaded.class_iou['road'] == 81.25
    assert math.isnan(loaded.class_iou['train'])
    assert (loaded.confusion == result.confusion).all()
    assert (loaded.title, loaded.network, loaded.note, loaded.log_file) == (
        'DACS',
        'teacher',
        'seed 0',
        result.log_file,
    )


def test_a_foreign_file_is_named(tmp_path):
    path = tmp_path / 'result.json'
    path.write_text('{"mIoU": 3}')
    with pytest.raises(DataError, match=r'result\.json is not a readable result file'):
        load_result(path)
