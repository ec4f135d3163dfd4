"""`tools/reproduce.py`: what it prints, and that it trains, collects and tells failures."""

import json
from pathlib import Path

import pytest

from mmseg.config.files import configs_folder
from mmseg.toolbox.experiments import launch
from tests.integration.programs import run_tool
from tests.toolbox.experiments.runs import write_run


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to start from, without data."""
    (tmp_path / 'configs').mkdir()
    for path in configs_folder().resolve().iterdir():
        if path.name != 'generated':
            (tmp_path / 'configs' / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_run_it_tells(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_tool(monkeypatch, 'reproduce', 'dida', '8', '--gpus', 2) == 0
    said = capfd.readouterr().out
    assert '  python run_experiments.py --exp 8 --gpus=2\n' in said
    assert '1 runs, about 16.0 hours, 16.0 with 2 at a time.' in said
    assert 'GB; free: ' in said
    assert '- data/synthia' in said
    assert 'No run has been started yet.' in said


def test_nothing_is_trained_without_data(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_tool(monkeypatch, 'reproduce', 'dida', '8', '--run') == 1
    assert 'Nothing was trained' in capfd.readouterr().err


@pytest.mark.parametrize('code', [0, 1])
def test_runs_are_trained_and_collected(
    code: int, place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []

    def train(name: str, words: list[str]) -> int:
        started.append(words)
        for seed in range(2):
            folder = place / f'work_dirs/local-exp201/260101_000{seed}_{setting}_s{seed}_0abcd'
            write_run(folder, seed, setting, {'road': 40.0 + 2 * seed})
        return code

    setting = 'procstreet2camvid_daformer_efficientnet-lite0'
    monkeypatch.setattr(launch, 'run_program', train)
    words = ['procstreet', '201', '--run', '--no-check', '--gpus', 0, '--jobs', 2, '--out', 'collected.json']
    assert run_tool(monkeypatch, 'reproduce', *words) == code
    assert started == [['--exp', '201', '--gpus=0', '--jobs=2']]
    said = capfd.readouterr()
    assert '41.0 ± 1.4 | 39.9 (daformer, student) | +1.1' in said.out
    assert ('1 of 1 experiments have runs that failed' in said.err) == bool(code)
    (entry,) = json.loads((place / 'collected.json').read_text())['settings']
    assert (entry['mean'], entry['published'], entry['n']) == (41.0, 39.9, 2)
