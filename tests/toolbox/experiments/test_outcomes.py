"""What finished runs scored."""

from pathlib import Path

import pytest

from mmseg.errors import UsageError
from mmseg.toolbox.experiments.outcomes import experiment_of, folders_of, read_outcomes, setting_of
from tests.toolbox.experiments.runs import write_run


def test_tested_scores_come_before_validated_ones(tmp_path: Path) -> None:
    validated, tested = {'road': 10.0}, {'student': {'road': 20.0}, 'teacher': {'road': 30.0}}
    write_run(tmp_path / 'a', 0, validated=validated)
    write_run(tmp_path / 'b', 1, validated=validated, tested=tested)
    (first, second), left = read_outcomes([str(tmp_path)])
    assert not left
    assert (first.setting, first.seed, first.class_iou) == ('method', 0, {'student': {'road': 10.0}})
    assert first.sources == {'student': 'log'}
    assert (second.seed, second.class_iou) == (1, tested)
    assert second.sources == {'student': 'test', 'teacher': 'test'}


def test_runs_without_a_final_score_are_left_out(tmp_path: Path) -> None:
    scores = {'road': 10.0}
    write_run(tmp_path / 'early', 0, validated=scores, reached=4, evaluated_at=4)
    write_run(tmp_path / 'unscored', 1, validated=scores, evaluated_at=4)
    (write_run(tmp_path / 'odd', 2, validated=scores) / 'method.json').unlink()
    write_run(tmp_path / 'x1', 3, validated=scores)
    write_run(tmp_path / 'x2', 3, validated={'road': 50.0})
    (outcome,), left = read_outcomes([str(tmp_path)])
    assert outcome.class_iou['student'] == {'road': 50.0}
    reasons = {run.folder.name: run.reason for run in left}
    assert reasons['early'] == '4 of 6 iterations are done'
    assert 'no scores of iteration 6' in reasons['unscored']
    assert 'one configuration, found none' in reasons['odd']
    assert reasons['x1'] == 'there is a newer run of seed 3'


def test_a_saved_last_iteration_is_a_finished_run(tmp_path: Path) -> None:
    """Short runs need not have logged."""
    folder = write_run(tmp_path / 'a', reached=0, tested={'student': {'road': 20.0}})
    (folder / 'iter_6.pth').touch()
    assert len(read_outcomes([str(folder)])[0]) == 1


def test_runs_of_an_experiment_are_found_by_its_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for parent in ('local-exp7', 'slurm-exp7', 'local-exp7-startup', 'local-expdaformer-7'):
        write_run(Path('work_dirs') / parent / '260101_0000_method_s0_0abcd', validated={'road': 1.0})
    assert [folder.parent.name for folder in folders_of('7')] == ['local-exp7', 'slurm-exp7']
    assert [folder.parent.name for folder in folders_of('daformer-7')] == ['local-expdaformer-7']
    outcomes, left = read_outcomes(['daformer-7', '7'])
    assert [run.experiment for run in outcomes] == ['daformer-7', '7']
    assert len(left) == 1
    assert experiment_of(Path('work_dirs/local-exp7-startup/x')) == ''


def test_names_lose_stamp_and_seed() -> None:
    assert setting_of('260101_0930_gta2cs_s0net_s12_0abcd', 12) == 'gta2cs_s0net'
    assert setting_of('mine_seed1', 1) == 'mine'
    assert setting_of('mine_s1', 2) == 'mine_s1'


@pytest.mark.parametrize(
    ('what', 'message'),
    [
        ('empty', 'found no run; expected the work folder'),
        ('40', 'run_experiments.py --exp 40'),
        ('no/where', 'expected the id of an experiment or a folder'),
        ('dafromer-7', 'No experiment has the id'),
    ],
)
def test_nothing_to_collect(what: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UsageError, match=message):
        read_outcomes([what])


def test_settings_come_in_the_published_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for minute, method in enumerate(('daformer', 'source_only', 'mine')):
        name = f'procstreet2camvid_{method}_efficientnet-lite0'
        folder = Path('work_dirs/local-exp201') / f'260101_000{minute}_{name}_s0_0abcd'
        write_run(folder, name=name, validated={'road': 1.0})
    outcomes, _ = read_outcomes(['201'])
    assert [run.setting.split('_')[1] for run in outcomes] == ['source', 'daformer', 'mine']
