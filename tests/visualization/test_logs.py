"""Reading training logs."""

import json

import pytest

from mmseg.errors import DataError
from mmseg.visualization.logs import read_log


def write(path, *entries):
    path.write_text('\n'.join(json.dumps(entry) for entry in entries) + '\n')
    return path


def train(iteration, loss, **more):
    return {'mode': 'train', 'epoch': 1, 'iter': iteration, 'lr': 1e-4, 'decode.loss_seg': loss, **more}


def test_curves_and_scores(tmp_path):
    path = write(
        tmp_path / 'a.log.json', {'env_info': ''}, train(50, 2.0), train(100, 1.0, mIoU=0.25), train(150, 0.5)
    )
    log = read_log(path)
    assert log.training['decode.loss_seg'] == [(50, 2.0), (100, 1.0), (150, 0.5)]
    assert log.evaluation['mIoU'] == [(100, 25.0)]


def test_published_quirk_iter_of_an_evaluation_line_is_the_number_of_batches(tmp_path):
    path = write(
        tmp_path / 'a.log.json', train(50, 2.0), train(100, 1.5), train(500, 1.0, mIoU=0.5), train(200, 0.5)
    )
    assert read_log(path).evaluation['mIoU'] == [(150, 50.0)]
    assert [i for i, _ in read_log(path).training['decode.loss_seg']] == [50, 100, 150, 200]


def test_a_resumed_run_replaces_what_it_repeats(tmp_path):
    path = write(
        tmp_path / 'a.log.json',
        train(50, 2.0),
        train(100, 1.0),
        train(150, 9.0),
        train(100, 1.1),
        train(150, 0.5),
    )
    assert read_log(path).training['decode.loss_seg'] == [(50, 2.0), (100, 1.1), (150, 0.5)]


def test_damage_is_placed(tmp_path):
    path = tmp_path / 'a.log.json'
    path.write_text('{"mode": "train", "iter": 1}\n{oops\n')
    with pytest.raises(DataError, match='Line 2 of'):
        read_log(path)
    with pytest.raises(DataError, match='cannot be read'):
        read_log(tmp_path / 'none.log.json')
