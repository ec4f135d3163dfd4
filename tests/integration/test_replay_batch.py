"""A run that stops because of its numbers, through the programs: what it leaves, what repeats it."""

import json
from pathlib import Path

import pytest

from tests.integration.programs import run_tool
from tests.integration.tiny import tiny_config, write_config

pytestmark = pytest.mark.slow


def test_a_run_that_stops_is_explained(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny_config(tiny_data)
    config['optimizer']['lr'] = 1e35
    config['checkpoint_config']['interval'] = 1
    path = write_config(tmp_path, config)
    folder = tmp_path / 'a run'
    assert run_tool(monkeypatch, 'train', path, '--work-dir', folder, '--no-validate') == 1
    message = capsys.readouterr().err
    record = json.loads(next(folder.glob('nonfinite_iter_*.json')).read_text())
    assert f'{record["what"]} at iteration {record["iteration"]}; training cannot go on' in message
    assert f"replay_batch.py '{folder}'" in message
    assert len(record['files']) == 4
    assert all(Path(file).is_file() for file in record['files'])

    assert run_tool(monkeypatch, 'replay_batch', folder) == 0
    said = capsys.readouterr().out
    assert f'Iteration {record["iteration"]}, repeated from the state after iteration' in said
    assert record['files'][-1] in said
    term = record['what'].split(' is ')[0]
    assert f'  {term}: nan   <-- not finite' in said
    assert 'not finite, first layer: model.' in said

    assert run_tool(monkeypatch, 'replay_batch', folder, '--iteration', 1) == 0
    assert 'everything in this step is finite' in capsys.readouterr().out
    assert (
        run_tool(monkeypatch, 'replay_batch', folder, '--iteration', 1, '--from', folder / 'iter_1.pth') == 1
    )
    assert 'too late to repeat iteration 1' in capsys.readouterr().err
    assert run_tool(monkeypatch, 'replay_batch', tmp_path) == 2
