"""A run on a system without the modules, signals and links that Windows lacks."""

import json
from pathlib import Path

import pytest

from tests.integration.programs import ROOT
from tests.integration.tiny import tiny_config
from tests.test_platforms import run_like_on_windows

A_RUN = """
import runpy
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name='__main__')
"""


@pytest.mark.slow
def test_training_goes_on_without_what_linux_has(tiny_data: Path, tmp_path: Path) -> None:
    path, work = tmp_path / 'tiny.json', tmp_path / 'work'
    path.write_text(json.dumps(tiny_config(tiny_data)), encoding='utf-8')
    command = (ROOT / 'tools/train.py', path, '--work-dir', work, '--cfg-options')
    done = run_like_on_windows(tmp_path, A_RUN, *command, 'runner.max_iters=1', 'data.workers_per_gpu=1')
    assert done.returncode == 0, done.stderr
    assert not (work / 'latest.pth').is_symlink()
    assert (work / 'latest.pth').read_bytes() == (work / 'iter_1.pth').read_bytes()
    done = run_like_on_windows(
        tmp_path, A_RUN, *command, 'runner.max_iters=2', 'data.workers_per_gpu=0', '--resume'
    )
    assert done.returncode == 0, done.stderr
    assert (work / 'latest.pth').read_bytes() == (work / 'iter_2.pth').read_bytes()
