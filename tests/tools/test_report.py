"""tools/report.py: where the page goes and what it holds without predictions."""

import runpy
import sys
from pathlib import Path

import pytest

from tests.toolbox.reports.pages import trained, with_result

TOOL = str(Path(__file__).resolve().parents[2] / 'tools' / 'report.py')


def report(monkeypatch: pytest.MonkeyPatch, *words: object) -> object:
    """Run the program; returns its exit code."""
    monkeypatch.setattr(sys, 'argv', ['report.py', *map(str, words)])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(TOOL, run_name='__main__')
    return leaving.value.code


def test_a_page_without_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained(tmp_path / 'a')
    with_result(folder)
    with_result(folder, 'teacher')
    assert not report(monkeypatch, folder, '--pictures', 0, '--samples', 0, '--title', 'Two networks')
    assert capsys.readouterr().out.strip() == str(folder / 'report.html')
    text = (folder / 'report.html').read_text()
    assert 'Two networks' in text
    assert 'a (teacher)' in text
    assert 'report.py' in text
    assert '--samples 0' in text


@pytest.mark.parametrize(('out', 'page'), [('x/all.html', 'x/all.html'), ('x', 'x/report.html')])
def test_out_is_a_page_or_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str, page: str
) -> None:
    trained(tmp_path / 'runs' / 'a')
    with_result(trained(tmp_path / 'runs' / 'deeper' / 'b', 'b'))
    assert not report(
        monkeypatch, tmp_path / 'runs', '--pictures', 0, '--samples', 0, '--out', tmp_path / out
    )
    assert capsys.readouterr().out.strip() == str(tmp_path / page)
    assert [path.name for path in (tmp_path / 'x').iterdir()] == [Path(page).name]
    text = (tmp_path / page).read_text()
    assert 'not tested yet' in text


def test_what_is_missing_for_class_frequencies_is_told_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained(tmp_path / 'a')
    (folder / 'run.py').unlink()
    assert not report(monkeypatch, folder)
    assert 'Not shown: class frequencies.' in (folder / 'report.html').read_text()


def test_what_is_missing_for_pictures_is_told_on_the_page_and_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that was copied to where its data are not."""
    folder = trained(tmp_path / 'a')
    with_result(folder)
    (folder / 'run.py').unlink()
    assert not report(monkeypatch, folder, '--samples', 0)
    told = capsys.readouterr()
    assert told.out.strip() == str(folder / 'report.html')
    for text in (told.err, (folder / 'report.html').read_text()):
        assert 'Not shown: pictures. ' in text
        assert 'should hold the configuration of its run' in text


def test_a_folder_without_a_run_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(monkeypatch, tmp_path) == 1
    assert 'tools/test.py CONFIG' in capsys.readouterr().err
