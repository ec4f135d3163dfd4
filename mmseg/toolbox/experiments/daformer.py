"""The tables of DAFormer (Hoyer et al., CVPR 2022) as rows.

Source: docs/methods/experiments.md#daformers-tables, docs/methods/published-results.md.
"""

import math
from typing import Any

from mmseg.toolbox.experiments.rows import ABSENT_16, TEST_SET, Experiment, Published, Row, grid

ALL = ('source-only', 'dacs', 'target-only')
ADAPTED = ('dacs', 'target-only')
FINAL: dict[str, Any] = {'uda': 'dacs_a999_fdthings', 'rcs_temperature': 0.01, 'crop_pseudo_labels': True}
"""DAFormer's method."""

SEGFORMER = ('segformer', 'mitb5')
DEEPLAB = ('dlv2red', 'r101v1c')
ADVERSE = ('acdc', 'darkzurich')

TABLE_1 = (
    DEEPLAB,
    ('da_nodbn', 'r101v1c'),
    ('isa_nodbn', 'r101v1c'),
    ('dlv3p_nodbn', 'r101v1c'),
    SEGFORMER,
)
TABLE_2 = (('sfa_dlv3p_nodbn', 'mitb5-del'), ('segformer', 'r101v1c'))
TABLE_3 = (
    ('dlv2red', 'r50v1c'),
    ('dlv2red', 's50'),
    ('dlv2red', 's101'),
    ('dlv2red', 's200'),
    ('segformer', 'mitb3'),
    ('segformer', 'mitb4'),
)
TABLE_5 = (
    Row(*SEGFORMER, 'dacs', rcs_temperature=math.inf),
    Row(*SEGFORMER, 'dacs', rcs_temperature=0.01),
    Row(*SEGFORMER, 'dacs_fd'),
    Row(*SEGFORMER, 'dacs_fdthings'),
    Row(*SEGFORMER, 'dacs_fdthings', rcs_temperature=0.01),
    Row(*SEGFORMER, **FINAL),
    Row(*DEEPLAB, **FINAL),
)
TABLE_7_DECODERS = (
    'daformer_conv1',
    'upernet',
    'upernet_ch256',
    'daformer_isa',
    'daformer_sepaspp_bottleneck',
    'daformer_aspp',
    'daformer_sepaspp',
)
TABLE_7 = tuple(
    grid(
        [(decoder, 'mitb5') for decoder in TABLE_7_DECODERS],
        ('dacs_a999_fdthings', 'target-only'),
        rcs_temperature=0.01,
        crop_pseudo_labels=True,
    )
)
STARTUP: dict[str, Any] = {'iters': 2, 'startup': True, 'seeds': (0,)}
STARTUP_MODELS = (
    DEEPLAB,
    ('dlv3p_nodbn', 'r101v1c'),
    ('da_nodbn', 'r101v1c'),
    SEGFORMER,
    ('isa_nodbn', 'r101v1c'),
    ('dlv2red', 'r50v1c'),
    ('dlv2red', 's50'),
    ('dlv2red', 's101'),
    ('dlv2red', 's200'),
    ('dlv2red', 'x50-32'),
    ('dlv2red', 'x101-32'),
    ('segformer', 'mitb4'),
    ('segformer', 'mitb3'),
    ('sfa_dlv3p_nodbn', 'mitb5-del'),
    ('segformer', 'r101v1c'),
    ('daformer_conv1', 'mitb5'),
    ('daformer_isa', 'mitb5'),
    ('daformer_sepaspp_bottleneck', 'mitb5'),
    ('daformer_aspp', 'mitb5'),
    ('daformer_sepaspp', 'mitb5'),
    ('upernet', 'mitb5'),
    ('upernet_ch256', 'mitb5'),
)
STARTUP_NETWORKS = tuple(grid(STARTUP_MODELS, ('target-only',), **STARTUP))
STARTUP_METHODS = (
    Row(*SEGFORMER, 'source-only', **STARTUP),
    Row(*SEGFORMER, 'target-only', **STARTUP),
    Row(*SEGFORMER, 'dacs', **STARTUP),
    Row(*SEGFORMER, 'dacs', rcs_temperature=math.inf, **STARTUP),
    Row(*SEGFORMER, 'dacs', rcs_temperature=0.01, **STARTUP),
    Row(*SEGFORMER, 'dacs_fd', **STARTUP),
    Row(*SEGFORMER, 'dacs_fdthings', **STARTUP),
    Row(*SEGFORMER, 'dacs_fdthings', rcs_temperature=0.01, **STARTUP),
    Row(*SEGFORMER, **{**FINAL, **STARTUP}),
)

EXPERIMENTS = (
    Experiment('1', 'DAFormer', 'Table 1', 'Architectures', tuple(grid(TABLE_1, ALL))),
    Experiment('2', 'DAFormer', 'Table 2', 'Encoder and decoder exchanged', tuple(grid(TABLE_2, ADAPTED))),
    Experiment('3', 'DAFormer', 'Table 3', 'Encoders', tuple(grid(TABLE_3, ALL, seeds=(0,)))),
    Experiment(
        '4', 'DAFormer', 'Table 4', 'No learning-rate warm-up',
        tuple(grid((DEEPLAB, SEGFORMER), ADAPTED, schedule='poly10', seeds=(0,))),
    ),
    Experiment('5', 'DAFormer', 'Table 5', 'Rare class sampling, feature distance', TABLE_5),
    Experiment('6', 'DAFormer', 'Table 7', 'Decoders; final GTA->CS', TABLE_7, {
            'daformer_sepaspp': Published(68.3, '*_dacs_*_daformer_sepaspp_mitb5_*')
        }),
    Experiment(
        'daformer-7', 'DAFormer', 'Table 6', 'Final SYNTHIA->CS (GTA->CS is in id 6)',
        (Row('daformer_sepaspp', 'mitb5', source='synthia', **FINAL),), {
            'SYNTHIA (16 classes)': Published(60.9, without=ABSENT_16)
        }, number=7,
    ),
    Experiment(
        'daformer-8', 'DAFormer', '-', 'Cityscapes->ACDC, ->DarkZurich',
        tuple(Row('daformer_sepaspp', 'mitb5', source='cityscapes', target=t, **FINAL) for t in ADVERSE),
        {
            'ACDC (test set)': Published(55.4, 'cs2acdc_*', otherwise=TEST_SET),
            'DarkZurich (test set)': Published(53.8, 'cs2dzur_*', otherwise=TEST_SET),
        }, number=8,
    ),
    Experiment('100', 'DAFormer', '-', 'Start-up test of architectures', STARTUP_NETWORKS),
    Experiment('101', 'DAFormer', '-', 'Start-up test of methods', STARTUP_METHODS),
)  # fmt: skip
