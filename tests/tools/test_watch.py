"""tools/watch.py."""

import http.client
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toolbox.reports.pages import trained

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'watch.py'


def refused(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    monkeypatch.setattr(sys, 'argv', ['watch.py', *words])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(str(TOOL), run_name='__main__')
    return leaving.value.code


def test_wrong_input_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(monkeypatch, str(tmp_path / 'none')) == 2
    assert 'none: no folder' in capsys.readouterr().err
    for port in ('-1', '70000', 'x'):
        assert refused(monkeypatch, str(tmp_path), f'--port={port}') == 2
        assert 'is no port' in capsys.readouterr().err


@pytest.mark.slow
def test_it_serves_until_ctrl_c(tmp_path: Path) -> None:
    trained(tmp_path / 'mine')
    command = [sys.executable, str(TOOL), str(tmp_path), '--port', '0']
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[0]
            connection = http.client.HTTPConnection(address.removeprefix('http://').rstrip('/'), timeout=60)
            connection.request('GET', '/')
            assert 'data-version' in connection.getresponse().read().decode()
            connection.close()
        finally:
            server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=60)
    assert server.returncode == 128 + signal.SIGINT
    assert errors.startswith('Stopped by Ctrl-C')
