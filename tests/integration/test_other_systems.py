"""Runs without the modules, signals and links that Windows lacks, and with processes that are started as there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.programs import ROOT
from tests.integration.tiny import tiny_config
from tests.test_platforms import run_like_on_windows

A_RUN = """
import os, runpy, sys
if __name__ == '__main__':
    sys.argv = sys.argv[1:]
    sys.path.insert(0, os.path.dirname(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name='__main__')
"""
SPAWNING = (
    "import multiprocessing\nif __name__ == '__main__':\n    multiprocessing.set_start_method('spawn')\n"
)


@pytest.fixture
def config(tiny_data: Path, tmp_path: Path) -> Path:
    path = tmp_path / 'tiny.json'
    path.write_text(json.dumps(tiny_config(tiny_data)), encoding='utf-8')
    return path


@pytest.mark.slow
def test_training_goes_on_without_what_linux_has(config: Path, tmp_path: Path) -> None:
    work = tmp_path / 'work'
    command = (ROOT / 'tools/train.py', config, '--work-dir', work, '--cfg-options', 'data.workers_per_gpu=0')
    done = run_like_on_windows(tmp_path, A_RUN, *command, 'runner.max_iters=1')
    assert done.returncode == 0, done.stderr
    assert not (work / 'latest.pth').is_symlink()
    assert (work / 'latest.pth').read_bytes() == (work / 'iter_1.pth').read_bytes()
    done = run_like_on_windows(tmp_path, A_RUN, *command, 'runner.max_iters=2', '--resume')
    assert done.returncode == 0, done.stderr
    assert (work / 'latest.pth').read_bytes() == (work / 'iter_2.pth').read_bytes()


@pytest.mark.slow
def test_loader_processes_may_be_spawned(config: Path, tmp_path: Path) -> None:
    """As on Windows and macOS: everything that they get must be picklable."""
    (tmp_path / 'program.py').write_text(SPAWNING + A_RUN, encoding='utf-8')
    command = [sys.executable, str(tmp_path / 'program.py'), str(ROOT / 'tools/train.py'), str(config), '--work-dir',
               str(tmp_path / 'work'), '--cfg-options', 'data.workers_per_gpu=1', 'runner.max_iters=1']  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
