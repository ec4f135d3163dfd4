"""How a run was made."""

from dataclasses import replace
from pathlib import Path

import pytest

from mmseg.errors import DataError
from mmseg.toolbox.reports.facts import find_config, run_facts
from mmseg.toolbox.reports.run_folders import RunFolder, read_run_folder
from tests.toolbox.reports.pages import trained, with_result


def test_seed_commit_length_environment_and_commands(tmp_path: Path) -> None:
    folder = trained(tmp_path / 'a b', 'mine', seed=5)
    with_result(folder)
    with_result(folder, 'teacher')
    facts = run_facts(read_run_folder(folder))
    assert (facts.seed, facts.commit, facts.length) == ('5', '0.1.0+1234567', '2000')
    assert facts.environment == [('Python', '3.11.7'), ('PyTorch', '2.11.0')]
    train, student, teacher = facts.commands
    assert train == f"python tools/train.py '{folder / 'mine.py'}' --work-dir=NEW_FOLDER --seed=5"
    assert student.endswith("latest.pth' --eval mIoU")
    assert teacher.endswith('--network teacher')


def test_the_length_is_that_of_the_runner(tmp_path: Path) -> None:
    config = "other = dict(max_iters=3)\nrunner = dict(max_iters=7, type='IterBasedRunner')\n"
    assert run_facts(RunFolder(tmp_path, 'a', meta={'config': config})).length == '7'


def test_a_run_of_which_nothing_is_known(tmp_path: Path) -> None:
    facts = run_facts(RunFolder(tmp_path, 'a'))
    assert replace(facts, folder='') == type(facts)('a', '', '', '', '', [], '', [])


def test_the_configuration_is_told_from_logs_and_results(tmp_path: Path) -> None:
    for name in ('1.log.json', 'result_student.json', 'nonfinite_iter_3.json', '.mine.tmp.py'):
        (tmp_path / name).write_text('')
    with pytest.raises(DataError, match='0 files could be it'):
        find_config(tmp_path)
    (tmp_path / 'daformer.py').write_text('')
    assert find_config(tmp_path).name == 'daformer.py'
    (tmp_path / 'other.json').write_text('')
    with pytest.raises(DataError, match=r'2 files could be it \(daformer\.py, other\.json\)'):
        find_config(tmp_path)
