"""The page that a training writes after each evaluation, and that nothing about it stops the training."""

from pathlib import Path

import pytest

from mmseg.toolbox.reports import live
from tests.integration.programs import run_tool
from tests.integration.tiny import tiny_config, write_config
from tests.toolbox.reports.pages import Page

pytestmark = pytest.mark.slow


def train(folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> str:
    """Two iterations, each followed by an evaluation; returns the text log."""
    config = tiny_config(data, 'dacs')
    config['runner']['max_iters'] = 2
    config['evaluation'] = {'interval': 1, 'metric': 'mIoU'}
    config['uda']['debug_img_interval'] = 1
    path = write_config(folder, config)
    assert run_tool(monkeypatch, 'train', path, '--work-dir', folder / 'run', '--no-check', *options) == 0
    return next((folder / 'run').glob('*.log')).read_text()


def test_the_page_shows_the_run(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = train(tmp_path, tiny_data, monkeypatch)
    text = (tmp_path / 'run/report.html').read_text()
    page = Page(text)
    assert {'overview', 'classes', 'curves', 'previews', 'facts'} <= {*page.ids}
    assert '2 of 2' in text
    (scores, *_) = page.drawn['curves']
    assert scores['panels'][0]['lines'][0]['x'] == [1, 2]
    assert 'The report was not written' not in log


@pytest.mark.parametrize('options', [('--no-validate',), ('--cfg-options', 'evaluation.report=False')])
def test_it_can_be_switched_off(
    options: tuple[str, ...], tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tmp_path, tiny_data, monkeypatch, *options)
    assert not (tmp_path / 'run/report.html').exists()


def test_a_failure_is_a_warning(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'run/report.html').mkdir(parents=True)  # a folder where the page should be
    log = train(tmp_path, tiny_data, monkeypatch)
    assert log.count('WARNING - The report was not written') == 2
    assert (tmp_path / 'run/iter_2.pth').is_file()


def test_a_defect_of_the_page_is_no_defect_of_the_training(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError('odd')

    monkeypatch.setattr(live, 'render_report', broken)
    monkeypatch.setattr(live, 'write_report', broken)
    assert 'The report was not written (ZeroDivisionError: odd)' in train(tmp_path, tiny_data, monkeypatch)
