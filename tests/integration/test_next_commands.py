"""The terminal of a run: a banner, then its lines, then what to type next, which works as it is printed."""

import re
import shlex
from pathlib import Path

import pytest

from tests.integration.programs import run_tool
from tests.integration.tiny import tiny_config, two_convolutions, write_config

pytestmark = pytest.mark.slow


def test_banner_and_last_lines(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny_config(tiny_data, 'dacs')
    config['model'] = two_convolutions()
    file = write_config(tmp_path, config)
    code = run_tool(
        monkeypatch, 'train', file, '--work-dir', tmp_path / 'run', '--custom-imports', 'tests.uda.networks'
    )
    said = capsys.readouterr()
    assert code == 0, said.err
    before, _, after = said.out.partition('Iter [2/6]')
    lines = before.splitlines()[:-1]
    assert len(lines) <= 10
    assert ': tiny_dacs' in lines[0]
    assert f'{tmp_path}/run (details: ' in before
    log = next((tmp_path / 'run').glob('*.log')).read_text()
    for detail in ('Environment info:', 'Loaded 3 images', 'Start running', *lines[1:]):
        assert detail in log
    commands = [line for line in after.splitlines() if re.match('  .*tools/', line)]
    assert after.splitlines()[-3:] == commands
    for command in commands:
        _, program, *words = shlex.split(command)
        extra = ['--pictures', '1'] if program.endswith('report.py') else []
        assert run_tool(monkeypatch, Path(program).stem, *words, *extra) == 0, capsys.readouterr().err
    assert {'result_student.json', 'report.html', 'network.onnx'} <= {
        p.name for p in (tmp_path / 'run').iterdir()
    }
