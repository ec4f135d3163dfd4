"""Memory and open files stay the same over a long run.

``MMSEG_SOAK=5000 pytest tests/integration/test_soak.py --log-cli-level=INFO`` is the long version;
docs/reliability.md has its figures.
"""

import copy
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.integration.programs import ROOT
from tests.integration.tiny import tiny_config, write_config
from tests.uda.networks import MODEL

logger = logging.getLogger(__name__)
pytestmark = pytest.mark.slow

ITERATIONS = int(os.environ.get('MMSEG_SOAK', '300'))
ALLOWED = 1.0 if ITERATIONS >= 5000 else 8.0
"""MiB for 1,000 iterations; over few of them the allocator's steps count for more."""


@pytest.mark.parametrize('workers', [0, 2])
def test_memory_and_open_files_stay(workers: int, tiny_data: Path, tmp_path: Path) -> None:
    config = tiny_config(tiny_data)
    config['model'] = copy.deepcopy(MODEL)
    config['model']['decode_head']['num_classes'] = 19
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
    subprocess.run(program, env=environment, check=True, capture_output=True, timeout=3600)
    samples = np.array(json.loads((tmp_path / 'run' / 'samples.json').read_text()), dtype=float)
    settled = samples[len(samples) // 5 :]
    early, late = np.array_split(settled, 3)[0], np.array_split(settled, 3)[-1]
    growth = (np.median(late[:, 1]) - np.median(early[:, 1])) / 2**20
    slope = 1000 * growth / (np.median(late[:, 0]) - np.median(early[:, 0]))
    # What a loader hands over is an open file for a moment; a leak raises the least that is ever open.
    counts = {int(part[:, 2].min()) for part in (early, late)}
    logger.info(
        '%d iterations, %d workers: %+.2f MiB per 1,000, open files %s', ITERATIONS, workers, slope, counts
    )
    assert slope < ALLOWED
    assert len(counts) == 1
