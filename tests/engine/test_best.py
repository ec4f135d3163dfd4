"""The checkpoint of the best evaluation is kept and named, also across a resume."""

import math
from pathlib import Path

import pytest

from mmseg.engine.best import BestCheckpoint, score_named
from mmseg.engine.checkpoint import read_checkpoint
from mmseg.engine.hooks import EvaluationHook, change_table
from mmseg.engine.log import LogWriter
from mmseg.engine.loop import Run, run_loop
from mmseg.engine.state import restore
from tests.engine.fakes import make_run

CURVE = [0.3, 0.5, 0.4, math.nan, 0.6, 0.1]


def run_with(folder: Path, best: BestCheckpoint, upto: int = 6) -> Run:
    def evaluate(run: Run) -> tuple[dict[str, float], str]:
        return {'aAcc': 0.9, 'mIoU': 0.1, 'IoU.traffic light': CURVE[run.iteration - 1]}, 'table'

    hook = EvaluationHook(evaluate, LogWriter(folder / 'eval.log.json', 'toy'), 1, best)
    return make_run(folder, upto, [hook], checkpoint_interval=1)


def kept(folder: Path) -> list[str]:
    return [path.name for path in folder.glob('best_*.pth')]


@pytest.mark.parametrize(('rule', 'best'), [('greater', 5), ('less', 6)])
def test_only_the_best_is_kept(tmp_path: Path, rule: str, best: int) -> None:
    run_loop(run_with(tmp_path, BestCheckpoint('traffic light', rule)))
    assert kept(tmp_path) == [f'best_IoU.traffic_light_iter_{best}.pth']
    contents = read_checkpoint(tmp_path / kept(tmp_path)[0])
    assert contents['meta']['iter'] == best
    assert contents['training_state']['memory']['best_checkpoint']['value'] == CURVE[best - 1]


def test_the_best_is_remembered_across_a_resume(tmp_path: Path) -> None:
    run_loop(run_with(tmp_path, BestCheckpoint('traffic light'), upto=3))
    assert kept(tmp_path) == ['best_IoU.traffic_light_iter_2.pth']
    run = run_with(tmp_path, BestCheckpoint('traffic light'), upto=4)
    restore(run, read_checkpoint(tmp_path / 'iter_3.pth'), 'iter_3.pth')
    run_loop(run)
    assert kept(tmp_path) == ['best_IoU.traffic_light_iter_2.pth']


def test_names_of_scores() -> None:
    scores = {'aAcc': 0.5, 'mDice': 0.2, 'mAcc': 0.3, 'Dice.car': 0.2, 'Acc.car': 0.3}
    assert score_named('auto', scores) == 'mDice'
    assert score_named('auto', {**scores, 'mIoU': 0.1}) == 'mIoU'
    assert score_named('car', scores) == 'Dice.car'
    assert score_named('Acc.car', scores) == 'Acc.car'


def test_changes_are_shown_for_every_metric() -> None:
    scores = {'aAcc': 0.5, 'mDice': 0.2, 'mAcc': 0.3, 'Dice.car': 0.2, 'Acc.car': 0.3}
    table = change_table(scores, scores, scores)
    assert [line.split()[1::2] for line in table.splitlines() if 'car' in line] == [
        ['car', '20.00', '+0.00', '+0.00']
    ]
    assert 'Dice' in table
    assert 'IoU' not in table
