"""``evaluation.teacher``: the mean teacher is scored while it is trained, and nothing else changes."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.integration.programs import run_tool
from tests.integration.tiny import tiny_config, write_config
from tests.toolbox.reports.pages import Page

pytestmark = pytest.mark.slow


def train(
    folder: Path, data: Path, patch: pytest.MonkeyPatch, method: str = 'dacs', **evaluation: Any
) -> Path:
    """Two iterations, each followed by an evaluation; returns the work folder."""
    config = tiny_config(data, method)
    config['runner']['max_iters'] = 2
    config['evaluation'] = {'interval': 1, 'metric': 'mIoU', **evaluation}
    folder.mkdir(exist_ok=True)
    path = write_config(folder, config)
    assert run_tool(patch, 'train', path, '--work-dir', folder / 'run', '--no-check') == 0
    return folder / 'run'


def evaluations(run: Path) -> list[dict[str, Any]]:
    """The lines of the log with scores."""
    (log,) = run.glob('*.log.json')
    lines = map(json.loads, log.read_text().splitlines())
    return [line for line in lines if line.get('mode') == 'val']


def test_scores_are_those_of_a_test_and_the_training_is_the_same(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = train(tmp_path / 'plain', tiny_data, monkeypatch)
    both = train(tmp_path / 'both', tiny_data, monkeypatch, teacher=True, save_best='teacher.mIoU')
    weights = [torch.load(run / 'iter_2.pth', weights_only=False)['state_dict'] for run in (plain, both)]
    assert all(torch.equal(weights[0][key], value) for key, value in weights[1].items())
    first, last = evaluations(both)
    assert {k: v for k, v in last.items() if not k.startswith('teacher.')} == evaluations(plain)[1]
    (best,) = both.glob('best_teacher.mIoU_iter_*.pth')
    better = 1 if first['teacher.mIoU'] >= last['teacher.mIoU'] else 2
    assert best.stem.endswith(f'_{better}')
    config = both / 'tiny_dacs.json'
    checkpoint = both / 'iter_2.pth'
    assert run_tool(monkeypatch, 'test', config, checkpoint, '--eval', 'mIoU', '--network', 'teacher') == 0
    tested = json.loads((both / 'result_teacher.json').read_text())
    assert last['teacher.mIoU'] == pytest.approx(tested['mIoU'] / 100, abs=1e-4)


def test_the_page_shows_both(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(tmp_path, tiny_data, monkeypatch, teacher=True)
    text = (run / 'report.html').read_text()
    (scores, classes, *_) = Page(text).drawn['curves']
    assert {'mIoU', 'mIoU, teacher'} <= {panel['name'] for panel in scores['panels']}
    assert {'road', 'road, teacher'} <= {panel['name'] for panel in classes['panels']}
    assert '(teacher)' in text  # among the networks of the overview


def test_the_best_of_a_teacher_that_is_not_there_is_refused_before_the_first_step(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny_config(tiny_data, 'minent')
    config['evaluation'] = {'interval': 1, 'metric': 'mIoU', 'teacher': True, 'save_best': 'teacher.mIoU'}
    path = write_config(tmp_path, config)
    assert run_tool(monkeypatch, 'train', path, '--work-dir', tmp_path / 'run', '--no-check') == 2
    assert "evaluation.save_best='teacher.mIoU': this method has no mean teacher" in capsys.readouterr().err


def test_a_method_without_teacher_says_so(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(tmp_path, tiny_data, monkeypatch, 'minent', teacher=True)
    assert 'evaluation.teacher: this method has no mean teacher' in next(run.glob('*.log')).read_text()
    assert not any(name.startswith('teacher.') for name in evaluations(run)[0])
