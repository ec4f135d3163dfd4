"""Runs as a report sees them."""

from pathlib import Path

import pytest

from mmseg.errors import DataError
from mmseg.toolbox.reports.results import RunResult, save_result
from mmseg.toolbox.reports.run_folders import find_run_folders, shown_results
from tests.toolbox.reports.pages import trained, with_result


def finished(folder: Path, title: str, *networks: str) -> Path:
    for network in networks:
        save_result(folder / f'result_{network}.json', RunResult(title, {'road': 50.0}, network=network))
    return folder


def test_student_before_teacher_and_titles_that_differ(tmp_path: Path) -> None:
    folders = [
        finished(tmp_path / 'a', 'run', 'student'),
        finished(tmp_path / 'b', 'run', 'teacher', 'student'),
    ]
    runs, problems = find_run_folders(folders)
    assert [result.title for _, result in shown_results(runs)] == ['run [a]', 'run [b]', 'run [b] (teacher)']
    assert problems == []


def test_runs_below_a_folder_are_found_once_and_told_apart_by_the_way_to_them(tmp_path: Path) -> None:
    trained(tmp_path / 'x' / 'run')
    trained(tmp_path / 'y' / 'run')
    runs, _ = find_run_folders([tmp_path, tmp_path / 'x', tmp_path / 'x' / 'run'])
    assert [run.folder for run in runs] == [tmp_path / 'x' / 'run', tmp_path / 'y' / 'run']
    assert runs[0].title.endswith(f'[{tmp_path / "x" / "run"}]')


def test_log_and_head_of_a_run(tmp_path: Path) -> None:
    (run,), _ = find_run_folders([trained(tmp_path / 'mine', 'named', seed=3)])
    assert (run.title, run.iteration, run.meta['seed']) == ('named', 2000, 3)
    assert len(run.log.evaluation['mIoU']) == 4


def test_a_run_that_is_not_tested_has_the_scores_of_its_last_validation(tmp_path: Path) -> None:
    (run,), _ = find_run_folders([trained(tmp_path / 'mine')])
    ((_, result),) = shown_results([run])
    assert result.class_iou['road'] == run.log.evaluation['IoU.road'][-1][1]
    assert 'after iteration 2000; not tested yet' in result.note


def test_a_run_without_any_score_is_a_run(tmp_path: Path) -> None:
    (run,), _ = find_run_folders([trained(tmp_path / 'mine', scored=False)])
    assert (run.scored, run.iteration) == ((), 2000)


def test_a_log_that_only_a_result_names_is_read(tmp_path: Path) -> None:
    log = next(trained(tmp_path / 'mine').glob('*.log.json'))
    save_result(tmp_path / 'copy' / 'result_student.json', RunResult('copy', {'road': 1.0}, log_file=log))
    (run,), _ = find_run_folders([tmp_path / 'copy'])
    assert run.iteration == 2000


def test_damaged_runs_are_told_and_do_not_keep_the_others_out(tmp_path: Path) -> None:
    with_result(trained(tmp_path / 'good'))
    (trained(tmp_path / 'bad') / 'result_student.json').write_text('{')
    runs, problems = find_run_folders([tmp_path])
    assert [run.folder.name for run in runs] == ['good']
    assert len(problems) == 1
    assert 'bad/result_student.json' in problems[0].replace('\\', '/')
    with pytest.raises(DataError, match='is not a readable result file'):
        find_run_folders([tmp_path / 'bad'])


def test_a_folder_without_runs_does_not_keep_the_others_out(tmp_path: Path) -> None:
    """Such as one whose training begins later: a live page of several folders shows the others meanwhile."""
    trained(tmp_path / 'runs' / 'a')
    (tmp_path / 'empty').mkdir()
    for folders in (['empty', 'runs'], ['runs', 'empty']):
        runs, problems = find_run_folders([tmp_path / name for name in folders])
        assert [run.folder.name for run in runs] == ['a']
        assert [problem.split(' holds ')[0] for problem in problems] == [str(tmp_path / 'empty')]
    with pytest.raises(DataError, match='is no folder'):
        find_run_folders([tmp_path / 'runs', tmp_path / 'none'])


def test_titles_name_the_way_to_a_folder_once(tmp_path: Path) -> None:
    for name in ('a/x', 'b/x', 'c/y'):
        trained(tmp_path / name, 'run')
    runs, _ = find_run_folders([tmp_path])
    assert [run.title for run in runs] == [
        f'run [{tmp_path / "a/x"}]',
        f'run [{tmp_path / "b/x"}]',
        'run [y]',
    ]


def test_a_folder_without_runs_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'tools/test\.py CONFIG .*latest\.pth --eval mIoU'):
        find_run_folders([tmp_path])
    with pytest.raises(DataError, match='is no folder'):
        find_run_folders([tmp_path / 'none'])
