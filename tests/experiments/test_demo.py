"""Experiment 0: data are prepared once, results become a table and a page."""

import math
from pathlib import Path

import numpy as np
import pytest

from mmseg.experiments import demo
from mmseg.experiments.jobs import Job, LaunchOptions, plan_experiment, write_job
from mmseg.visualization import RunResult


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
    assert all(isinstance(job, Job) for job in jobs)
    assert callable(write_job)
