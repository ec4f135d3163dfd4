"""The tables of HRDA (Hoyer et al., ECCV 2022) as rows.

Source: docs/methods/experiments.md#hrdas-tables, docs/methods/published-results.md.
"""

from dataclasses import replace
from typing import Any

from mmseg.toolbox.experiments.rows import ABSENT_16, TEST_SET, Experiment, Published, Row

NOT_SAID = 'size of its crop not said'
TITAN, RTX_2080 = 'NVIDIATITANRTX', 'NVIDIAGeForceRTX2080Ti'

COMMON: dict[str, Any] = {'workers': 1, 'gpu_model': TITAN, 'oracle_data': '{target}_{crop}'}
FINAL: dict[str, Any] = {
    **COMMON,
    'backbone': 'mitb5',
    'uda': 'dacs_a999_fdthings',
    'rcs_temperature': 0.01,
    'crop_pseudo_labels': 'v2',
    'inference': 'slide',
}
"""DAFormer's method as HRDA runs it."""

LOW: dict[str, Any] = {'source': 'gta', 'target': 'cityscapes'}
HIGH: dict[str, Any] = {
    'source': 'gtaHR', 'target': 'cityscapesHR', 'crop': '1024x1024', 'min_crop_ratio': 2.0,
}  # fmt: skip
"""Full resolution: four times the pixels an object."""

HRDA = 'hrda1-512-0.1_daformer_sepaspp'
TABLE_1 = tuple(Row(HRDA, **{**HIGH, **FINAL, 'source': source}) for source in ('gtaHR', 'synthiaHR'))


def _on_deeplab(uda: str, source: str, **options: Any) -> tuple[Row, Row]:
    """A method at half resolution, and with HRDA at full resolution (Table 2)."""
    half: dict[str, Any] = {**COMMON, 'backbone': 'r101v1c', 'uda': uda, **options}
    low = {**half, 'source': source, 'gpu_model': RTX_2080}
    high = {**half, **HIGH, 'source': f'{source}HR'}
    return Row('dlv2red', **low), Row('hrda1-512-0.1_dlv2red', **high)


SGD: dict[str, Any] = {'optimizer': 'sgd', 'lr': 0.0025, 'head_lr_mult': False}
TABLE_2 = (
    *_on_deeplab('advseg', 'gtaCAug', **SGD),
    *_on_deeplab('minent', 'gtaCAug', **SGD),
    *_on_deeplab('dacs', 'gta'),
    *_on_deeplab('dacs_a999_fdthings', 'gta', rcs_temperature=0.01, crop_pseudo_labels='v2'),
)


def _cropped(data: dict[str, Any], side: int | None, **options: Any) -> Row:
    """DAFormer's network on a crop of this side (Figure 4, left)."""
    size = None if side is None else (side, side)
    row = Row('daformer_sepaspp', **{**data, **FINAL}, sync_crop_size=size, **options)
    return replace(row, gpu_model=TITAN if row.crop_size()[0] >= 768 else RTX_2080)


FIGURE_4_UDA = (
    *(_cropped(LOW, side) for side in (128, 256, 384, None)),
    _cropped(HIGH, 256, batched_slide=False),
    *(_cropped(HIGH, side) for side in (512, 768)),
)


def _oracle(target: str, side: int) -> Row:
    """DAFormer's network trained on the target (Figure 4, right)."""
    options: dict[str, Any] = {
        **COMMON,
        'gpu_model': TITAN if side >= 768 else RTX_2080,
        'inference': 'slide',
    }
    crop = f'{side}x{side}'
    return Row('daformer_sepaspp', 'mitb5', 'target-only', source='', target=target, crop=crop, **options)


FIGURE_4_ORACLE = (
    *(_oracle('cityscapes', side) for side in (128, 256, 384, 512)),
    *(_oracle('cityscapesHR', side) for side in (256, 512, 768)),
)


def _ablation(token: str, data: dict[str, Any] = HIGH, side: int | None = None) -> Row:
    size = None if side is None else (side, side)
    return Row(f'{token}_daformer_sepaspp', **{**data, **FINAL}, sync_crop_size=size)


ABLATIONS = (
    _ablation('hrda1-512-0.1', side=512),  # Table 3: LR 0.5 + HR 0.5
    _ablation('hrda1-512-0.1', side=768),  # Table 3: LR 0.75 + HR 0.5
    _ablation('hrda1-256-0.1'),  # Table 4: LR 1.0 + HR 0.25
    _ablation('hrda1-384-0.1'),  # Table 4: LR 1.0 + HR 0.375
    _ablation('hrda1-384-0.1', side=768),  # Table 5: LR 0.75 + HR 0.375
    _ablation('hrda1-256-0.1-samescale', LOW),  # Table 6: LR 1.0 + LR 0.5
    _ablation('hrda1-512-0.1-blurhr'),  # Table 6: LR 1.0 + up-sampled LR 0.5
    _ablation('hrda1-512-0-fixedatt-nooverlap'),  # Table 7, row 3
    _ablation('hrda1-512-0-nooverlap'),  # Table 7, row 4
    _ablation('hrda1-512-0'),  # Table 7, row 5
    *(_ablation(f'hrda1-512-{weight}') for weight in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)),  # Figure S1
    _ablation('hrda1-512-0.1-sc0.25', side=512),  # Table S1: s_c = 4
    _ablation('hrda1-512-0.1-sc0.75', side=512),  # Table S1: s_c = 1.33
)

ADVERSE = tuple(
    Row(HRDA, **{**HIGH, **FINAL, 'source': 'cityscapesHR', 'target': target, 'crop_pseudo_labels': False})
    for target in ('acdcHR', 'darkzurichHR')
)

EXPERIMENTS = (
    Experiment(
        '40',
        'HRDA',
        'Table 1',
        'Final HRDA, GTA and SYNTHIA',
        TABLE_1,
        {
            'GTA': Published(73.8, 'gtaHR2*'),
            'SYNTHIA (16 classes)': Published(65.8, 'synHR2*', ABSENT_16),
        },
    ),
    Experiment(
        '41',
        'HRDA',
        'Table 2',
        'HRDA on top of other methods',
        TABLE_2,
        {
            'HRDA on dacs': Published(59.4, '*_dacs_hrda1-*'),
            'HRDA on dacs_a999_fdthings (about)': Published(
                63, '*_dacs_a999_fdthings_*_hrda1-*', otherwise='about'
            ),
        },
    ),
    Experiment('42', 'HRDA', 'Figure 4', 'Crop size, adaptation', FIGURE_4_UDA),
    Experiment(
        '43',
        'HRDA',
        'Figure 4',
        'Crop size, oracle',
        FIGURE_4_ORACLE,
        {
            'half size': Published(77.6, '2cs_target-only_*', otherwise=NOT_SAID),
            'full size': Published(81.2, '2csHR_768x768_*', otherwise=NOT_SAID),
        },
    ),
    Experiment('44', 'HRDA', 'Tables 3-7, S1', 'Crops and components', ABLATIONS),
    Experiment(
        '49',
        'HRDA',
        '-',
        'Cityscapes->ACDC, ->DarkZurich',
        ADVERSE,
        {
            'ACDC (test set)': Published(68.0, 'csHR2acdcHR_*', otherwise=TEST_SET),
            'DarkZurich (test set)': Published(55.9, 'csHR2dzurHR_*', otherwise=TEST_SET),
        },
    ),
)
