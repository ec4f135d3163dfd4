"""Memory and open files stay the same over a long run.

``MMSEG_SOAK=5000 pytest tests/integration/test_soak.py --log-cli-level=INFO`` is the long version;
docs/reliability.md has its figures.

Memory is what the process has of its own, less what lies free in the heap of the C library: pictures for debugging and
checkpoints make that heap longer and shorter by up to 7 MiB at a time, depending on what small block happens to lie at
its end.
"""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.integration.programs import ROOT
from tests.integration.tiny import tiny_config, two_convolutions, write_config

logger = logging.getLogger(__name__)
ITERATIONS = int(os.environ.get('MMSEG_SOAK', '300'))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(max(900, ITERATIONS))]
ALLOWED = {'in use': 1.0, 'of loader processes': 1.0 if ITERATIONS >= 5000 else 30.0}
"""MiB for 1,000 iterations. What is free in the heaps of the loader processes cannot be told from outside, and over 300
iterations, of which about 110 lie between the two medians, a step of 1 MiB in each of two heaps counts as 18."""


@pytest.mark.parametrize('workers', [0, 2])
def test_memory_and_open_files_stay(workers: int, tiny_data: Path, tmp_path: Path) -> None:
    config = tiny_config(tiny_data)
    config['model'] = two_convolutions()
    config['data']['workers_per_gpu'] = workers
    config['runner']['max_iters'] = ITERATIONS
    config['checkpoint_config'] = {'interval': 100, 'max_keep_ckpts': 1}
    config['log_config']['interval'] = 10
    config['uda']['debug_img_interval'] = 200
    path = write_config(tmp_path, config)
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1', 'MALLOC_ARENA_MAX': '1'}
    program = [
        sys.executable,
        str(ROOT / 'tests/integration/soak_program.py'),
        str(path),
        str(tmp_path / 'run'),
    ]
    subprocess.run(program, env=environment, check=True, capture_output=True, timeout=max(900, ITERATIONS))
    samples = np.array(json.loads((tmp_path / 'run' / 'samples.json').read_text()), dtype=float)
    memory = {
        'in use': slope(samples[:, 0], samples[:, 1] - samples[:, 2]),
        'with what is free': slope(samples[:, 0], samples[:, 1]),
        'of loader processes': slope(samples[:, 0], samples[:, 4]),
    }
    # What a loader hands over is an open file for a moment; a leak raises the least that is ever open.
    early, late = ends(samples[:, 3])
    counts = {int(early.min()), int(late.min())}
    told = ', '.join(f'{name} {value:+.3f}' for name, value in memory.items())
    logger.info(f'{ITERATIONS} iterations, {workers} workers: MiB per 1,000: {told}; open files {counts}')
    assert all(memory[name] < most for name, most in ALLOWED.items()), told
    assert len(counts) == 1


def ends(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last third, without the fifth in which everything is new."""
    thirds = np.array_split(column[len(column) // 5 :], 3)
    return thirds[0], thirds[-1]


def slope(iterations: np.ndarray, memory: np.ndarray) -> float:
    """MiB for 1,000 iterations, between the medians of both ends."""
    (start, end), (early, late) = (map(np.median, ends(column)) for column in (iterations, memory))
    return float(1000 * (late - early) / 2**20 / (end - start))


def test_a_leak_is_seen() -> None:
    iterations = np.arange(50.0, 5001, 50)
    steps = 4 * 2**20 * (np.arange(100) % 7 > 3)
    assert abs(slope(iterations, 3e8 + steps)) < 1.0
    assert slope(iterations, 3e8 + steps + 1100 * iterations) > 1.0
