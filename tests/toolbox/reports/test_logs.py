"""Reading training logs."""

import json
import math

import pytest

from mmseg.errors import DataError
from mmseg.toolbox.reports.logs import find_logs, read_logs, read_run, smoothed


def write(path, *entries):
    path.write_text('\n'.join(json.dumps(entry) for entry in entries) + '\n')
    return path


def train(iteration, loss, **more):
    return {'mode': 'train', 'epoch': 1, 'iter': iteration, 'lr': 1e-4, 'decode.loss_seg': loss, **more}


def test_curves_and_scores(tmp_path):
    path = write(
        tmp_path / 'a.log.json', {'env_info': ''}, train(50, 2.0), train(100, 1.0, mIoU=0.25), train(150, 0.5)
    )
    log = read_run(path)
    assert log.training['decode.loss_seg'] == [(50, 2.0), (100, 1.0), (150, 0.5)]
    assert log.evaluation['mIoU'] == [(100, 25.0)]


def test_published_quirk_iter_of_an_evaluation_line_is_the_number_of_batches(tmp_path):
    path = write(
        tmp_path / 'a.log.json', train(50, 2.0), train(100, 1.5), train(500, 1.0, mIoU=0.5), train(200, 0.5)
    )
    assert read_run(path).evaluation['mIoU'] == [(150, 50.0)]
    assert [i for i, _ in read_run(path).training['decode.loss_seg']] == [50, 100, 150, 200]


def test_a_resumed_run_replaces_what_it_repeats(tmp_path):
    path = write(
        tmp_path / 'a.log.json',
        train(50, 2.0),
        train(100, 1.0),
        train(150, 9.0),
        train(100, 1.1),
        train(150, 0.5),
    )
    assert read_run(path).training['decode.loss_seg'] == [(50, 2.0), (100, 1.1), (150, 0.5)]


def test_damage_is_placed(tmp_path):
    path = tmp_path / 'a.log.json'
    path.write_text('{"mode": "train", "iter": 1}\n{oops\n{}\n')
    with pytest.raises(DataError, match='Line 2 of'):
        read_run(path)
    with pytest.raises(DataError, match='cannot be read'):
        read_run(tmp_path / 'none.log.json')


def test_a_damaged_last_line_is_left_out(tmp_path):
    path = write(tmp_path / 'a.log.json', train(50, 2.0), train(100, 1.0))
    with path.open('ab') as file:
        file.write(b'{"mode": "train", "iter": 150, "decode.loss_seg": 0.\xc3')
    assert read_run(path).training['decode.loss_seg'] == [(50, 2.0), (100, 1.0)]


def test_other_files_are_refused(tmp_path):
    for content, words in (('', 'is empty'), ('{oops', 'Line 1 of'), ('[1, 2]\n', 'no JSON object')):
        (tmp_path / 'a.log.json').write_text(content)
        with pytest.raises(DataError, match=words):
            read_run(tmp_path / 'a.log.json')


def test_parts_of_a_resumed_run_in_its_folder_follow_one_another(tmp_path):
    with pytest.raises(DataError, match='holds no'):
        find_logs(tmp_path)
    write(tmp_path / '20260102_000000.log.json', train(100, 1.5), train(150, 1.0))
    write(tmp_path / '20260101_000000.log.json', train(50, 2.0), train(100, 9.0))
    log = read_logs(find_logs(tmp_path))
    assert log.training['decode.loss_seg'] == [(50, 2.0), (100, 1.5), (150, 1.0)]


def test_times_of_intervals_with_an_evaluation_are_left_out(tmp_path):
    path = write(tmp_path / 'a.log.json', train(50, 2.0, time=0.5), train(500, 1.0, mIoU=0.5, time=9.0))
    assert read_run(path).speed['time'] == [(50, 0.5)]


def test_smoothing_starts_at_the_first_value_and_leaves_out_not_a_number():
    series = [(1, float('nan')), (2, 4.0), (3, float('nan')), (4, 1.0)]
    first, *others = smoothed(series, 0.5)
    assert math.isnan(first[1])
    assert others == [(2, 4.0), (3, 4.0), (4, 2.0)]
    assert smoothed([(1, 3.0), (2, 5.0)], 0) == [(1, 3.0), (2, 5.0)]


def test_a_resumed_run_has_the_curves_of_its_earlier_parts(tmp_path):
    names = ['20260101_1.log.json', '20260102_1.log.json', '20260103_1.log.json', '3_other.log.json']
    paths = [tmp_path / name for name in names]
    for iteration, path in enumerate(paths):
        path.write_text(json.dumps({'mode': 'train', 'iter': iteration, 'loss': 1.0}))
    assert read_run(paths[1]).training['loss'] == [(0, 1.0), (1, 1.0)]
    assert read_run(paths[3]).training['loss'] == [(3, 1.0)]
