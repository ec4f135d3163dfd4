"""tools/report.py: finding runs and their configurations."""

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from mmseg.errors import DataError
from mmseg.toolbox.reports import RunResult, save_result

TOOL = str(Path(__file__).resolve().parents[2] / 'tools' / 'report.py')


@pytest.fixture(scope='module')
def tool() -> dict[str, Any]:
    return runpy.run_path(TOOL, run_name='tool')


def finished(folder: Path, title: str, *networks: str) -> Path:
    for network in networks:
        save_result(folder / f'result_{network}.json', RunResult(title, {'road': 50.0}, network=network))
    return folder


def test_student_before_teacher_and_titles_that_differ(tool: dict[str, Any], tmp_path: Path) -> None:
    folders = [
        finished(tmp_path / 'a', 'run', 'student'),
        finished(tmp_path / 'b', 'run', 'teacher', 'student'),
    ]
    titles = [result.title for _, result in tool['find_runs'](folders)]
    assert titles == ['run [a]', 'run [b]', 'run (teacher)']


def test_an_untested_run_says_how_to_test_it(tool: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'tools/test\.py CONFIG .*latest\.pth --eval mIoU'):
        tool['find_runs']([tmp_path])


def test_the_configuration_is_told_from_logs_and_results(tool: dict[str, Any], tmp_path: Path) -> None:
    finished(tmp_path, 'run', 'student')
    (tmp_path / '1.log.json').write_text('')
    with pytest.raises(DataError, match='0 files could be it'):
        tool['find_config'](tmp_path)
    (tmp_path / 'daformer.py').write_text('')
    assert tool['find_config'](tmp_path).name == 'daformer.py'


def test_a_page_without_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = finished(tmp_path / 'a', 'run', 'student', 'teacher')
    monkeypatch.setattr(sys, 'argv', ['report.py', str(folder), '--pictures', '0', '--title', 'Two networks'])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(TOOL, run_name='__main__')
    assert not leaving.value.code
    assert capsys.readouterr().out.strip() == str(folder / 'report.html')
    assert 'Two networks' in (folder / 'report.html').read_text()
