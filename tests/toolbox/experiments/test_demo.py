"""Experiment 0: data are prepared once, results become a table and a page."""

import math
import runpy
from pathlib import Path

import numpy as np
import pytest

from mmseg.places import ROOT
from mmseg.toolbox.experiments import demo
from mmseg.toolbox.experiments.jobs import LaunchOptions, plan_experiment
from mmseg.toolbox.experiments.launch import run_experiment
from mmseg.toolbox.reports import RunResult


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(demo, 'DRAWINGS', 3)
    monkeypatch.setattr(demo, 'PHOTOGRAPHS', {'train': 2, 'val': 2, 'test': 1})
    return tmp_path / 'builtin'


def test_prepare_draws_and_converts_only_once(small_demo: Path) -> None:
    said: list[str] = []
    demo.prepare([], said.append, small_demo)
    files = {
        path: path.stat().st_mtime_ns for path in small_demo.rglob('*') if path.suffix in ('.png', '.txt')
    }
    assert len(files) == 3 * 3 + 5 * 2 + 3
    assert len(said) == 3
    demo.prepare([], said.append, small_demo)
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert len(said) == 4  # only the first line again


def test_prepare_goes_on_after_an_interrupted_conversion(small_demo: Path) -> None:
    demo.prepare([], lambda _: None, small_demo)
    (small_demo / 'gta/samples_with_class.json').unlink()
    demo.prepare([], lambda _: None, small_demo)
    assert (small_demo / 'gta/samples_with_class.json').exists()


def test_the_scenes_alone_are_drawn_by_a_program(
    small_demo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = str(ROOT / 'tools/make_scenes.py')

    def ask(*words: object) -> object:
        monkeypatch.setattr('sys.argv', [tool, *map(str, words)])
        with pytest.raises(SystemExit) as leaving:
            runpy.run_path(tool, run_name='__main__')
        return leaving.value.code

    assert not ask(small_demo, '--layout', 'builtin')
    assert (small_demo / 'gta/samples_with_class.json').exists()
    assert (small_demo / 'cityscapes/samples_with_class.json').exists()
    assert ask(small_demo, '--layout', 'builtin', '--count', 3, '--size', '64x32') == 2
    assert '--layout builtin is always the same: leave out --count, --size' in capsys.readouterr().err


def test_table_shows_the_gain() -> None:
    results = [
        RunResult('source-only', {'road': 50.0, 'train': math.nan}, np.eye(2, dtype=np.int64)),
        RunResult('adapted', {'road': 62.5, 'train': math.nan}, np.eye(2, dtype=np.int64)),
    ]
    lines = demo.result_table(results).get_string().splitlines()
    assert 'source-only' in lines[1]
    assert lines[3].split('|')[1:5] == [' mIoU    ', '        50.0 ', '    62.5 ', ' +12.5 ']
    assert any('train' in line and 'nan' in line for line in lines)


def test_both_runs_are_planned() -> None:
    jobs = plan_experiment(0, LaunchOptions())
    assert [job.name for job in jobs] == ['builtin_source_only_s0', 'builtin_daformer_s0']
    assert all(any(word in job.name for word in demo.TITLES) for job in jobs)


@pytest.mark.slow
def test_the_whole_demo_in_two_iterations(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, 'DRAWINGS', 12)
    monkeypatch.setattr(demo, 'PHOTOGRAPHS', {'train': 2, 'val': 2, 'test': 1})
    said: list[str] = []
    run_experiment(0, LaunchOptions(cfg_options={'runner.max_iters': 2}), said.append)
    page = next(Path(line.removeprefix('Report: ')) for line in said if line.startswith('Report: '))
    assert page.resolve().is_relative_to(workspace)
    html = page.read_text()
    assert html.count('data:image/') >= 4
    assert 'adapted' in html
    assert any('mIoU' in line and 'traffic light' in line for line in said)
