"""Two processes do not share a work folder; a dead one holds nothing and leaves nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

import mmseg.engine.work_folder as module
from mmseg.engine.work_folder import reserved
from mmseg.errors import UsageError
from mmseg.fileio import atomic_write

HOLDER = """
import sys, time
from pathlib import Path
from mmseg.engine.work_folder import reserved
with reserved(Path(sys.argv[1])):
    print('ready', flush=True)
    time.sleep(60)
"""


def test_another_process_is_kept_out_until_it_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'PATIENCE', 0.2)
    command = [sys.executable, '-c', HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == 'ready\n'
        with pytest.raises(UsageError, match='another process is training'), reserved(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with reserved(tmp_path):
        pass


def test_left_over_files_are_removed_and_nothing_else(tmp_path: Path) -> None:
    half = []
    for name in ('iter_4.pth', 'last_checkpoint', 'config.py'):
        with atomic_write(tmp_path / name) as temporary:
            temporary.write_text('x')
            half.append(temporary.name)
    for name in (*half, '.latest.pth.new'):
        (tmp_path / name).touch()
    with reserved(tmp_path):
        pass
    left = {path.name for path in tmp_path.iterdir()} - {'.lock'}
    assert left == {'iter_4.pth', 'last_checkpoint', 'config.py'}


def test_one_after_the_other_in_one_process(tmp_path: Path) -> None:
    for _ in range(2):
        with reserved(tmp_path):
            pass
