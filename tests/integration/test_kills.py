"""Runs that were killed (SIGKILL) at random moments and resumed equal one that never was, bit for bit.

``MMSEG_KILLS=6 pytest tests/integration/test_kills.py --log-cli-level=INFO`` is the long version, six kills of each
method with 0 and with 2 loader processes; docs/reliability.md has its figures.
"""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg.engine.checkpoint import write_checkpoint
from tests.integration.hrda import tiny_hrda
from tests.integration.kill_program import differences
from tests.integration.programs import ROOT
from tests.integration.tiny import tiny_config, write_config

logger = logging.getLogger(__name__)
KILLS = int(os.environ.get('MMSEG_KILLS', '0'))
"""Kills of each method with each number of loader processes; 0: one of each method, with one of the two numbers."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 * KILLS or 900)]

MASKING = {
    'mask_mode': 'separatetrgaug',
    'mask_lambda': 1,
    'mask_alpha': 'same',
    'mask_pseudo_threshold': 'same',
    'mask_generator': {'type': 'block', 'mask_ratio': 0.7, 'mask_block_size': 16},
}
METHODS = ('daformer', 'hrda_dida', 'mic', 'advseg')


def method_config(data: Path, method: str) -> dict[str, Any]:
    """Eight iterations, in which intervals of log, evaluation and checkpoints do not align; two files are kept."""
    if method == 'hrda_dida':
        config = tiny_hrda(data)
        config['uda']['instance_bank'] = {'mode': 'clean', 'bank_size': 40, 'min_fill': 0.0}
    else:
        config = tiny_config(data, 'advseg_masked' if method == 'advseg' else 'daformer')
    if method == 'mic':
        config['uda'] |= MASKING
    config['runner']['max_iters'] = 8
    config['data']['samples_per_gpu'] = 1
    config['checkpoint_config'] |= {'interval': 2, 'max_keep_ckpts': 2}
    config['evaluation'] |= {'interval': 3, 'save_best': 'mIoU'}
    config['log_config']['interval'] = 3
    return config


def combinations(data: Path, folder: Path) -> list[dict[str, Any]]:
    """What to kill, see tests/integration/kill_program.py; numbers of loader processes share an uninterrupted run.

    Those with loader processes write checkpoints while they train.
    """
    found = []
    for number, method in enumerate(METHODS):
        config, files = method_config(data, method), {}
        config['name'] = method
        for workers in (0, 2):
            config['data']['workers_per_gpu'] = workers
            config['checkpoint_config']['async_save'] = workers > 0
            (folder / str(workers)).mkdir(exist_ok=True)
            files[workers] = str(write_config(folder / str(workers), config))
        for workers in (0, 2) if KILLS else (2 * (number % 2),):
            plan = {'config': files[workers], 'whole': files[0], 'kills': KILLS or 1}
            found.append({'name': f'{method}_{workers}', **plan})
    return found


def test_killed_runs_equal_the_whole_one(tiny_data: Path, tmp_path: Path) -> None:
    plan = combinations(tiny_data, tmp_path)
    (tmp_path / 'plan.json').write_text(json.dumps(plan))
    command = [
        sys.executable,
        '-m',
        'tests.integration.kill_program',
        str(tmp_path / 'plan.json'),
        str(tmp_path),
    ]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    with (tmp_path / 'output').open('w') as output:
        subprocess.run(
            command, cwd=ROOT, env=environment, check=True, stdout=output, stderr=subprocess.STDOUT
        )
    tallies = {
        name: tally
        for half in (0, 1)
        for name, tally in json.loads((tmp_path / f'tallies{half}.json').read_text()).items()
    }
    for name, tally in sorted(tallies.items()):
        logger.info('%s: %s', name, tally)
    assert [text for tally in tallies.values() for text in tally['differences']] == []
    assert len(tallies) == len(plan)
    kills = sum(tally[phase] for tally in tallies.values() for phase in ('early', 'between', 'writing'))
    assert kills == sum(combination['kills'] for combination in plan)


@pytest.mark.parametrize('change', ['nothing', 'sign of a zero', 'kind', 'log line', 'line twice', 'file'])
def test_the_comparison_sees(change: str, tmp_path: Path) -> None:
    whole, other = tmp_path / 'whole', tmp_path / 'other'
    lines = [{'mode': 'train', 'iter': 3, 'loss': 0.5, 'time': 1.0}, {'mode': 'val', 'iter': 3, 'mIoU': 0.25}]
    for folder in (whole, other):
        changed = change if folder == other else 'nothing'
        state = {'weight': torch.zeros(3), 'steps': 2}
        if changed == 'sign of a zero':
            state['weight'][1] *= -1
        if changed == 'kind':
            state['steps'] = 2.0
        written = [dict(line, time=len(changed)) for line in lines]
        if changed == 'log line':
            written[0]['loss'] = 0.50001
        if changed == 'line twice':  # as after a resume, but with another value the first time
            written.insert(0, {**written[0], 'loss': 0.4})
        write_checkpoint(
            folder / 'iter_3.pth', {'meta': {'time': changed}, 'state_dict': state, 'optimizer': {}}
        )
        (folder / f'{changed}.log.json').write_text(
            ''.join(json.dumps(line) + '\n' for line in written) + '{"mod'
        )
        if changed == 'file':
            (folder / '.iter_5.abc.tmp.pth').touch()
    assert len(list(differences(whole, other))) == (change != 'nothing')
