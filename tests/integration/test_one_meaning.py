"""N processes with b images each train what one process with N b images trains: every entry of the checkpoints."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.integration.hrda import tiny_hrda
from tests.integration.programs import ROOT
from tests.integration.tiny import tiny_config, write_config

pytestmark = pytest.mark.slow

MASKS = {
    'mask_mode': 'separatetrgaug',
    'mask_lambda': 1,
    'mask_generator': {'type': 'block', 'mask_ratio': 0.7, 'mask_block_size': 16},
}
TOLERANCE = 2e-4
"""Of the largest number of a tensor: sums of float32 in another order, through three steps."""


def daformer(data: Path) -> dict[str, Any]:
    config = tiny_config(data)
    config['uda']['print_grad_magnitude'] = False
    return config


def mic(data: Path, mode: str = 'separatetrgaug') -> dict[str, Any]:
    config = tiny_config(data)
    config['uda'] |= {**MASKS, 'mask_mode': mode}
    return config


def combined(data: Path) -> dict[str, Any]:
    """What published methods do not have."""
    config = tiny_config(data)
    config['uda'] |= {
        'pseudo_flip': True,
        'pseudo_weight': 'class',
        'class_prior': {'shares': {0: 3, 1: 1, 2: 1}},
    }
    return config


def hrda_dida(data: Path) -> dict[str, Any]:
    config = tiny_hrda(data)
    config['uda']['instance_bank'] = {'mode': 'clean', 'bank_size': 38, 'min_fill': 0.0}
    return config


def dida_published(data: Path) -> dict[str, Any]:
    config = tiny_config(data)
    config['uda']['instance_bank'] = {
        'mode': 'published',
        'bank_size': 38,
        'update_interval': 1,
        'min_fill': 0.0,
    }
    return config


CONFIGS = {
    'supervised': lambda data: tiny_config(data, 'source_only'),
    'daformer': daformer,
    'mic': mic,
    'mic of both domains': lambda data: mic(data, 'separateaug'),
    'combined': combined,
    'hrda + dida': hrda_dida,
    'dida published': dida_published,
    'advseg with masks': lambda data: tiny_config(data, 'advseg_masked'),
}


def trained(
    config: dict[str, Any], folder: Path, processes: int, each: int
) -> tuple[dict[str, Any], list[Any]]:
    """Checkpoint and log of three steps."""
    config['data']['samples_per_gpu'] = each
    config['runner']['max_iters'] = 3
    config['evaluation'] = {'interval': 3, 'metric': 'mIoU'}
    # Plain steps: the ratio of two moments turns rounding of tiny gradients into steps of full length.
    config['optimizer'] = {'type': 'SGD', 'lr': 0.01, 'momentum': 0.9}
    folder.mkdir()
    command = ['tools/train.py', write_config(folder, config), '--work-dir', folder / 'run']
    launcher = [sys.executable]
    if processes > 1:
        launcher += ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', str(processes)]
    done = subprocess.run(
        [*launcher, *map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=400, check=False,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    (log,) = (folder / 'run').glob('*.log.json')
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    contents = torch.load(folder / 'run' / 'iter_3.pth', weights_only=True)
    return contents, [entry for entry in entries if 'mode' in entry]


def numbers(value: Any, place: str = '') -> Iterator[tuple[str, Any]]:
    """All tensors and numbers, with their place."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from numbers(entry, f'{place}.{key}')
    elif isinstance(value, list | tuple):
        for key, entry in enumerate(value):
            yield from numbers(entry, f'{place}.{key}')
    elif isinstance(value, Tensor | int | float):
        yield place, torch.as_tensor(value, dtype=torch.float64)


def compare(one: Any, several: Any) -> None:
    mine, theirs = dict(numbers(one)), dict(numbers(several))
    assert mine.keys() == theirs.keys()
    off = {}
    for place, value in mine.items():
        scale = value.abs().max().clamp(min=1e-4) if value.numel() else 1
        difference = ((value - theirs[place]).abs().max() / scale).item() if value.numel() else 0.0
        if difference > TOLERANCE:
            off[place] = difference
    assert not off, sorted(off.items(), key=lambda entry: -entry[1])[:20]


@pytest.mark.parametrize('name', CONFIGS)
def test_two_processes_train_what_one_does(name: str, tiny_data: Path, tmp_path: Path) -> None:
    check(name, 2, tiny_data, tmp_path)


def test_three_processes(tiny_data: Path, tmp_path: Path) -> None:
    check('daformer', 3, tiny_data, tmp_path)


def check(name: str, processes: int, data: Path, folder: Path) -> None:
    one, log = trained(CONFIGS[name](data), folder / 'one', 1, processes)
    several, other_log = trained(CONFIGS[name](data), folder / 'several', processes, 1)
    for key in ('state_dict', 'optimizer', 'training_state'):
        compare(one[key], several[key])
    times = ('time', 'data_time')
    compare(
        *([{k: v for k, v in e.items() if k not in times} for e in entries] for entries in (log, other_log))
    )
