"""The tables of MIC (Hoyer et al., CVPR 2023) as rows.

Source: docs/methods/mic.md#experiments, docs/methods/published-results.md.
"""

from dataclasses import replace
from itertools import product
from typing import Any

from mmseg.toolbox.experiments.hrda import COMMON, FINAL, HIGH, HRDA, RTX_2080, SGD, TITAN
from mmseg.toolbox.experiments.rows import ABSENT_13, TEST_SET, Experiment, Masking, Published, Row

FULL, HALF = Masking(64), Masking(32)
"""Block sizes at full and at half resolution."""

DAFORMER = 'dacs_a999_fdthings'


def _on_hrda(source: str, target: str, mode: str = 'separatetrgaug', **options: Any) -> Row:
    """MIC(HRDA) with another setting."""
    adverse = {} if target == 'cityscapesHR' else {'crop_pseudo_labels': False}
    masking = replace(FULL, mask_mode=mode)
    return Row(
        HRDA,
        **{**HIGH, **FINAL, 'source': source, 'target': target, 'masking': masking, **adverse, **options},
    )


def _at_half(architecture: str, backbone: str, uda: str, masking: Masking = HALF, **options: Any) -> Row:
    """MIC at half resolution; with DAFormer's method all it consists of."""
    daformer = {'rcs_temperature': 0.01, 'crop_pseudo_labels': 'v1'} if uda == DAFORMER else {}
    common = {**COMMON, 'gpu_model': RTX_2080, **daformer, **options}
    return Row(architecture, backbone, uda, masking=masking, **common)


def _on_daformer(**masking: Any) -> Row:
    """MIC(DAFormer) with other masking; a second teacher needs the larger card."""
    own_teacher = 'mask_alpha' in masking or 'mask_pseudo_threshold' in masking
    gpu = {'gpu_model': TITAN} if own_teacher else {}
    return _at_half('daformer_sepaspp', 'mitb5', DAFORMER, replace(HALF, **masking), **gpu)


TABLE_2 = (
    _on_hrda('gtaHR', 'cityscapesHR'),
    _on_hrda('synthiaHR', 'cityscapesHR'),
    _on_hrda('cityscapesHR', 'acdcHR', 'separate'),
    _on_hrda('cityscapesHR', 'darkzurichHR', 'separate'),
)

TABLE_1 = (
    _at_half('dlv2red', 'r101v1c', 'advseg', **SGD),
    _at_half('dlv2red', 'r101v1c', 'minent', **SGD),
    _at_half('dlv2red', 'r101v1c', 'dacs'),
    _at_half('dlv2red', 'r101v1c', DAFORMER),
    replace(_on_hrda('gtaHR', 'cityscapesHR'), architecture='hrda1-512-0.1_dlv2red', backbone='r101v1c'),
    _on_daformer(),
)

TABLE_6 = (
    _on_hrda('gtaHR', 'cityscapesHR', 'separatesrcaug'),
    _on_hrda('gtaHR', 'cityscapesHR', 'separateaug'),
    _on_hrda('cityscapesHR', 'acdcHR', 'separatesrc'),
    _on_hrda('cityscapesHR', 'acdcHR', 'separatetrg'),
)

TABLE_7 = (
    _on_daformer(mask_mode='separatetrg'),  # no colour augmentation
    _on_daformer(mask_ratio=0),  # no masking
    _on_daformer(mask_alpha=0),  # no teacher: the student labels
    _on_daformer(mask_pseudo_threshold=None),  # no weights of pseudo-labels
)

# The paper doubles the sizes: it gives them for full resolution.
TABLE_8 = tuple(
    _on_daformer(mask_block_size=size, mask_ratio=ratio)
    for size, ratio in product((16, 32, 64, 128), (0.3, 0.5, 0.7, 0.9))
    if (size, ratio) != (32, 0.7)
)

SUPERVISED = _at_half(
    'daformer_sepaspp', 'mitb5', 'dacs_srconly', replace(HALF, mask_mode='separatesrc'), source='cityscapes'
)

EXPERIMENTS = (
    Experiment(
        '80',
        'MIC',
        'Table 2',
        'MIC(HRDA) on all benchmarks',
        TABLE_2,
        {
            'GTA': Published(75.9, 'gtaHR2*'),
            'SYNTHIA (13 classes)': Published(74.0, 'synHR2*', ABSENT_13),
            'ACDC (test set)': Published(70.4, 'csHR2acdcHR_*', otherwise=TEST_SET),
        },
    ),
    Experiment(
        '81',
        'MIC',
        'Table 1',
        'MIC on top of other methods',
        TABLE_1,
        {'MIC(DAFormer)': Published(70.6, '*_daformer_sepaspp_mitb5_*')},
    ),
    Experiment('82', 'MIC', 'Table 6', 'Which images are masked', TABLE_6),
    Experiment('83', 'MIC', 'Table 7', 'Components, on MIC(DAFormer)', TABLE_7),
    Experiment('84', 'MIC', 'Table 8', 'Block size and ratio, on MIC(DAFormer)', TABLE_8),
    Experiment('85', 'MIC', 'Table 9', 'Supervised on Cityscapes', (SUPERVISED,)),
)
