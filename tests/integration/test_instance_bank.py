"""A bank is built with a trained network, looked at, and trained with."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmseg.uda.instance_bank.files import read_bank
from tests.integration.programs import run_tool
from tests.integration.tiny import write_config

pytestmark = pytest.mark.slow
SHOWN = (0, 2, 10)
"""Classes that the tiny source images are sure to show."""


def test_from_a_checkpoint_to_a_run(
    trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    folder = tmp_path / 'my banks/six'
    options = ['--rows', 6, '--classes', *SHOWN]
    assert run_tool(monkeypatch, 'build_bank', *trained, '--out', folder, *options) == 0
    assert '6 rows of 32 channels for 3 classes' in capsys.readouterr().out
    features, labels = read_bank(str(folder), 19)
    assert features.shape == (6, 32)
    assert labels.tolist() == [c for c in SHOWN for _ in range(2)]
    assert run_tool(monkeypatch, 'inspect_bank', folder, '--picture', tmp_path / 'bank.png') == 0
    assert (tmp_path / 'bank.png').is_file()
    config = json.loads(trained[0].read_text())
    config['uda']['instance_bank'] = {'mode': 'published', 'bank_size': 6, 'bank_file': str(folder)}
    config['runner']['max_iters'] = 2
    config['log_config']['interval'] = 1
    run = [write_config(tmp_path, config), '--work-dir', tmp_path / 'run', '--no-validate']
    assert run_tool(monkeypatch, 'train', *run) == 0
    lines = next((tmp_path / 'run').glob('*.log.json')).read_text().splitlines()[1:]
    assert [json.loads(line)['instance.bank_fill'] for line in lines] == [1.0, 1.0]
    assert all(abs(json.loads(line)['instance.loss_in']) > 0 for line in lines)
    config['uda']['instance_bank']['bank_size'] = 7
    assert run_tool(monkeypatch, 'train', write_config(tmp_path, config), '--work-dir', tmp_path / 'x') != 0
    assert 'expected 7 rows' in capsys.readouterr().err
