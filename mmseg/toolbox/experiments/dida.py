"""The tables of DIDA (Yao and Li, arXiv:2307.07972) as rows; ids from 210 on are ours.

Source: docs/methods/dida.md#experiments.
"""

from typing import Any

from mmseg.toolbox.experiments.daformer import FINAL
from mmseg.toolbox.experiments.rows import (
    ABSENT_13,
    ABSENT_16,
    SEEDS,
    Bank,
    Experiment,
    FileRow,
    Published,
    Row,
)

DAFORMER = ('daformer_sepaspp', 'mitb5')
SYNTHIA_CLASSES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 15, 17, 18)
"""The 16 of the 19 classes that SYNTHIA shows: all but terrain, truck and train."""
BANK_SIZES = (50, 100, 200, 300, 500)
OFTEN: dict[str, Any] = {**FINAL, 'check_ups': 25}

EXPERIMENTS = (
    Experiment(
        '7', 'DIDA', 'Table 1', 'GTA->CS', (Row(*DAFORMER, **OFTEN, bank=Bank(), seeds=(0,)),), {'GTA': Published(71.0)}
    ),
    Experiment(
        '8', 'DIDA', 'Table 1', 'SYNTHIA->CS',
        (Row(*DAFORMER, **OFTEN, source='synthia', bank=Bank(classes=SYNTHIA_CLASSES), seeds=(2,)),),
        {
            'SYNTHIA (16 classes)': Published(63.3, without=ABSENT_16),
            'SYNTHIA (13 classes)': Published(70.1, without=ABSENT_13),
        },
    ),
    Experiment(
        '210', 'DIDA', '-', 'Size of the bank, GTA->CS',
        tuple(Row(*DAFORMER, **FINAL, bank=Bank(size, named=True), seeds=(0,)) for size in BANK_SIZES),
    ),
    Experiment(
        '211', 'DIDA', '-', 'The same with the repaired method',
        tuple(
            Row(*DAFORMER, **FINAL, bank=Bank(size, mode='clean', named=True), seeds=(0,)) for size in BANK_SIZES
        ),
    ),
    Experiment(
        '212', 'DIDA', '-', 'Repaired method; with HRDA',
        tuple(
            FileRow(f'dida/{stem}.py', seeds=SEEDS)
            for stem in ('gta2cs_dida_clean', 'synthia2cs_dida_clean', 'gtaHR2csHR_hrda_dida_clean')
        ),
    ),
    Experiment(
        '213', 'DIDA', '-', 'Repaired method, pixels weighed by trust',
        (FileRow('dida/gta2cs_dida_trusted.py', seeds=SEEDS),),
    ),
)  # fmt: skip
