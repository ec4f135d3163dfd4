"""A disk that is full when a checkpoint is written: the last good one stays, and the run goes on when there is room."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg.engine.checkpoint import read_checkpoint
from tests.integration.programs import ROOT, run_tool
from tests.integration.test_training import assert_equal
from tests.integration.tiny import tiny_config, write_config

pytestmark = pytest.mark.slow

SCRIPT = """
mount -t tmpfs -o size=$1 tmpfs "$2" || exit 99
disk=$2 kept=$3
shift 3
"$@"
echo "exit code $?"
ls -A "$disk/run"
mount -o remount,size=1g "$disk" && "$@" --resume >&2 && cp "$disk/run/iter_6.pth" "$kept"
"""
"""Train on a small disk, show what is there, make room, go on. Nothing of the mount is left when this ends."""


def test_the_last_good_checkpoint_stays(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if subprocess.run(['unshare', '-m', 'true'], capture_output=True, check=False).returncode:
        pytest.skip('may not mount a file system of its own (needs root and unshare)')
    settings = tiny_config(tiny_data, 'dacs')
    settings['data']['samples_per_gpu'] = 1
    settings['checkpoint_config']['interval'] = 2
    settings['log_config']['interval'] = 1
    config = write_config(tmp_path, settings)
    assert run_tool(monkeypatch, 'train', config, '--work-dir', tmp_path / 'whole', '--no-validate') == 0
    room = int(2.5 * (tmp_path / 'whole' / 'iter_6.pth').stat().st_size)
    disk = tmp_path / 'disk'
    disk.mkdir()
    program = [sys.executable, str(ROOT / 'tools' / 'train.py'), str(config), '--work-dir', str(disk / 'run')]
    done = subprocess.run(
        ['unshare', '-m', 'sh', '-c', SCRIPT, 'sh', str(room), str(disk), str(tmp_path / 'end.pth'), *program,
         '--no-validate'],
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'exit code 1\n' in done.stdout
    assert 'iter_6.pth: could not be written' in done.stderr
    assert 'make room' in done.stderr
    assert 'Traceback' not in done.stderr
    files = done.stdout.split('exit code 1\n')[1].splitlines()
    assert {name for name in files if 'pth' in name} == {'iter_2.pth', 'iter_4.pth', 'latest.pth'}
    assert 'at iteration 4' in done.stderr
    whole, again = (
        read_checkpoint(path) for path in (tmp_path / 'whole' / 'iter_6.pth', tmp_path / 'end.pth')
    )
    for part in ('state_dict', 'optimizer', 'training_state'):
        assert_equal(whole[part], again[part], part)
