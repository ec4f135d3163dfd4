"""tools/{create_buffer,inspect_bank}.py as programs."""

import json
import runpy
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


def run(monkeypatch: pytest.MonkeyPatch, name: str, *words: str) -> int:
    monkeypatch.setattr(sys, 'argv', [name, *words])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(TOOLS / name), run_name='__main__')
    return int(end.value.code or 0)


def test_a_placeholder_is_written_and_inspected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / 'bank with space')
    assert run(monkeypatch, 'create_buffer.py', folder, '--rows', '38', '--channels', '8') == 0
    capsys.readouterr()
    picture = tmp_path / 'bank.png'
    assert run(monkeypatch, 'inspect_bank.py', folder, '--json', '--picture', str(picture)) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found['rows'], found['channels'], found['counts']) == (38, 8, [2] * 19)
    assert picture.stat().st_size > 1000


def test_mistakes_end_in_one_paragraph(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, 'create_buffer.py', str(tmp_path), '--rows', '3') == 2
    assert 'at least one row a class' in capsys.readouterr().err
    assert run(monkeypatch, 'inspect_bank.py', str(tmp_path / 'none')) == 1
    assert 'build_bank.py' in capsys.readouterr().err
