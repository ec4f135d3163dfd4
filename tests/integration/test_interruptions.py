"""Signals and faults in the middle of a run: what was finished is saved, and going on equals never having stopped."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mmseg.engine.checkpoint import read_checkpoint
from mmseg.processes import SIGNALS
from tests.integration.disturbed import Case
from tests.integration.programs import ROOT, run_tool
from tests.integration.test_training import assert_equal
from tests.integration.tiny import tiny_config, two_convolutions, write_config

pytestmark = pytest.mark.slow

LENGTH = 5
LONGER = 12
"""Iterations of a run whose loader processes have not made all batches when one of them is killed."""


def short_config(
    tiny_data: Path, folder: Path, method: str, workers: int, length: int = LENGTH, interval: int = 0
) -> Path:
    """A run of a few iterations that logs each, and saves at an interval or only at the end."""
    config = tiny_config(tiny_data, method)
    config['model'] = two_convolutions()
    config['runner']['max_iters'] = length
    config['data'].update({'samples_per_gpu': 1, 'workers_per_gpu': workers})
    config['checkpoint_config']['interval'] = interval or length
    config['evaluation']['interval'] = 4
    config['log_config']['interval'] = 1
    config['name'] = f'{method}_{workers}'
    return write_config(folder, config)


def play(cases: list[Case], folder: Path) -> list[dict[str, Any]]:
    """Outcomes of cases, see tests/integration/disturbed.py."""
    (folder / 'cases.json').write_text(json.dumps([case.__dict__ for case in cases]))
    command = [sys.executable, '-m', 'tests.integration.disturbed', str(folder / 'cases.json'), str(folder)]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads((folder / f'outcomes{half}.json').read_text()) for half in (0, 1)]
    return [outcome for half in found for outcome in half]


def check_saved(
    outcome: dict[str, Any], folder: Path, iteration: int, whole: Path, length: int = LENGTH
) -> None:
    """The iteration was saved, nothing stayed behind, and the run that went on ended like the whole one."""
    case, errors = outcome['case'], outcome['errors']
    assert 'Traceback' not in errors, (case, errors)
    assert f'Stopped after iteration {iteration}, everything is saved' in errors, (case, errors)
    assert (outcome['left'], outcome['resumed']) == (0, 0), outcome
    check_equal(whole, folder / case['name'] / 'run', length)


def check_equal(whole: Path, other: Path, length: int = LENGTH) -> None:
    """The last checkpoints of two runs say the same."""
    reference, resumed = (read_checkpoint(run / f'iter_{length}.pth') for run in (whole, other))
    for part in ('state_dict', 'optimizer', 'training_state'):
        assert_equal(reference[part], resumed[part], f'{other}: {part}')


def test_signals(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every signal, to the process and to its group, with and without loader processes, in a step; then elsewhere."""
    configs = {workers: short_config(tiny_data, tmp_path, 'source_only', workers) for workers in (0, 2)}
    assert run_tool(monkeypatch, 'train', configs[0], '--work-dir', tmp_path / 'whole') == 0
    cases = [
        Case(f'{number.name}-{group}-{workers}', str(config), number.name, group)
        for number in SIGNALS
        for group in (False, True)
        for workers, config in configs.items()
    ]
    cases += [
        Case(f'{place}-{name}', str(configs[2]), name, True, place)
        for place, name in (('evaluation', 'SIGTERM'), ('evaluation', 'SIGHUP'), ('saving', 'SIGUSR1'))
    ]
    outcomes = play(cases, tmp_path)
    assert len(outcomes) == len(cases) == 23
    for outcome in outcomes:
        case = outcome['case']
        number = next(number for number in SIGNALS if number.name == case['event'])
        assert outcome['code'] == 128 + number, outcome
        iteration = {'step': 3, 'evaluation': 4, 'saving': LENGTH}[case['place']]
        check_saved(outcome, tmp_path, iteration, tmp_path / 'whole')


def test_second_ctrl_c_while_saving(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It aborts the saving: nothing half-written stays, and the checkpoint before is gone on from, as printed."""
    configs = {
        workers: short_config(tiny_data, tmp_path, 'source_only', workers, interval=2) for workers in (0, 2)
    }
    assert run_tool(monkeypatch, 'train', configs[0], '--work-dir', tmp_path / 'whole') == 0
    cases = [Case(f'twice-{n}', str(configs[n]), 'SIGINT', bool(n), 'half saved', times=2) for n in configs]
    for outcome in play(cases, tmp_path):
        assert outcome['code'] == 130, outcome
        assert 'Stopped by a second Ctrl-C' in outcome['errors']
        assert 'Traceback' not in outcome['errors']
        assert (outcome['left'], outcome['resumed']) == (0, 0), outcome
        folder = tmp_path / outcome['case']['name']
        assert 'iteration 2' in (folder / 'out').read_text()  # of the run that went on
        assert not list(folder.rglob('*.tmp.pth'))
        check_equal(tmp_path / 'whole', folder / 'run')


def test_faults(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed loader process, and memory that ends in the middle of a step of DAFormer."""
    config = short_config(tiny_data, tmp_path, 'daformer', 2, LONGER)
    assert run_tool(monkeypatch, 'train', config, '--work-dir', tmp_path / 'whole') == 0
    cases = [Case(event, str(config), event) for event in ('kill', 'gpu', 'host')]
    says = {
        'kill': 'A loader process has died (signal 9)',
        'gpu': 'The memory of the GPU ran out',
        'host': 'The memory of the machine ran out',
    }
    advice = {'kill': 'data.workers_per_gpu', 'gpu': '--amp', 'host': 'data.samples_per_gpu'}
    for outcome in play(cases, tmp_path):
        event = outcome['case']['event']
        assert outcome['code'] == 1, outcome
        assert outcome['seconds'] < 60
        assert says[event] in outcome['errors'], outcome
        assert advice[event] in outcome['errors']
        assert len(outcome['errors'].strip().splitlines()) == 2, outcome['errors']
        iteration = outcome['errors'].split('after iteration ')[1].split(',')[0]
        assert int(iteration) in ((2,) if event != 'kill' else range(3, LONGER))
        check_saved(outcome, tmp_path, int(iteration), tmp_path / 'whole', LONGER)


SMALL_SHARED = 'mount -t tmpfs -o size={size} tmpfs /dev/shm && exec "$@"'


@pytest.mark.parametrize('size', ['16k', '300k'])
def test_little_shared_memory(size: str, tiny_data: Path, tmp_path: Path) -> None:
    """A /dev/shm as containers have, too small for any batch, or for those that are made ahead."""
    isolated = ['unshare', '-m', 'sh', '-c', SMALL_SHARED.format(size=size), 'sh']
    if subprocess.run([*isolated, 'true'], capture_output=True, check=False).returncode:
        pytest.skip('may not mount a file system of its own (needs root and unshare)')
    config = short_config(tiny_data, tmp_path, 'source_only', 2)
    words = [config, '--work-dir', tmp_path / 'run', '--custom-imports', 'tests.uda.networks']
    program = [sys.executable, str(ROOT / 'tools' / 'train.py'), *map(str, words)]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    done = subprocess.run(
        [*isolated, *program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1, done.stderr
    assert 'Traceback' not in done.stderr
    assert '--shm-size' in done.stderr
    assert 'data.workers_per_gpu' in done.stderr
