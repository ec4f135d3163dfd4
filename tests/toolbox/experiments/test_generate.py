"""What the generator writes for a row."""

import math

import pytest

from mmseg.toolbox.experiments.generate import compose
from mmseg.toolbox.experiments.rows import FileRow, Row, grid


def test_final_daformer_row() -> None:
    row = Row(
        'daformer_sepaspp', 'mitb5', 'dacs_a999_fdthings', rcs_temperature=0.01, crop_pseudo_labels=True
    )
    cfg = compose(row, 2, 6)
    assert cfg['_base_'] == [
        '_base_/default_runtime.py',
        '_base_/models/daformer_sepaspp_mitb5.py',
        '_base_/datasets/uda_gta_to_cityscapes_512x512.py',
        '_base_/uda/dacs_a999_fdthings.py',
        '_base_/schedules/adamw.py',
        '_base_/schedules/poly10warm.py',
    ]
    assert cfg['name'] == 'gta2cs_dacs_a999_fdthings_rcs001_cpl_daformer_sepaspp_mitb5_poly10warm_s2'
    assert cfg['name_uda'] == 'dacs_a999_fdthings_rcs0.01_cpl'
    assert cfg['name_opt'] == 'adamw_6e-05_pmTrue_poly10warm_1x2_40k'
    assert cfg['uda'] == {'pseudo_weight_ignore_top': 15, 'pseudo_weight_ignore_bottom': 120}
    assert cfg['data']['train'] == {
        'rare_class_sampling': {'min_pixels': 3000, 'class_temp': 0.01, 'min_crop_ratio': 0.5}
    }
    assert cfg['optimizer_config'] is None
    assert (cfg['seed'], cfg['exp']) == (2, 6)


@pytest.mark.parametrize(
    ('uda', 'data'),
    [('source-only', 'gta_to_cityscapes_512x512'), ('target-only', 'cityscapes_half_512x512')],
)
def test_supervised_rows_have_five_bases_and_no_sampling(uda: str, data: str) -> None:
    cfg = compose(Row('dlv2red', 'r101v1c', uda, rcs_temperature=0.01, crop_pseudo_labels=True), 0, 1)
    assert cfg['_base_'][2] == f'_base_/datasets/{data}.py'
    assert len(cfg['_base_']) == 5
    assert cfg['data']['train'] == {}
    assert 'uda' not in cfg
    assert 'optimizer_config' not in cfg
    assert cfg['optimizer']['paramwise_cfg']['custom_keys'] == {'head': {'lr_mult': 10.0}}
    assert cfg['name_uda'] == uda


def test_infinite_temperature_and_startup() -> None:
    cfg = compose(Row('segformer', 'mitb5', 'dacs', rcs_temperature=math.inf, iters=2, startup=True), 0, 101)
    assert 'rcsinf' in cfg['name']
    assert cfg['log_level'] == 40
    assert cfg['evaluation']['interval'] == 100
    assert cfg['checkpoint_config']['interval'] == 2
    assert cfg['name_opt'].endswith('_0k')


def test_file_row_is_a_child_of_its_file() -> None:
    assert compose(FileRow('demo/some.py', seeds=(1,)), 1, 200) == {
        '_base_': ['demo/some.py'],
        'seed': 1,
        'name': 'some_s1',
        'exp': 200,
    }
    assert compose(FileRow('demo/some.py', 'other'), 0, 200)['name'] == 'other_s0'


def test_grid_varies_the_method_fastest() -> None:
    rows = list(grid([('a', 'x'), ('b', 'y')], ('m', 'n'), seeds=(0,)))
    assert [(row.architecture, row.uda) for row in rows] == [('a', 'm'), ('a', 'n'), ('b', 'm'), ('b', 'n')]
    assert {row.seeds for row in rows} == {(0,)}


def test_hrda_row_on_a_synchronised_crop() -> None:
    row = Row(
        'hrda1-512-0.1_daformer_sepaspp',
        'mitb5',
        'dacs_a999_fdthings',
        source='gtaHR',
        target='cityscapesHR',
        crop='1024x1024',
        rcs_temperature=0.01,
        min_crop_ratio=2.0,
        crop_pseudo_labels='v2',
        sync_crop_size=(512, 512),
        inference='slide',
    )
    cfg = compose(row, 1, 44)
    assert cfg['name_uda'] == 'dacs_a999_fdthings_rcs0.01-2.0_sf512x512_cpl2'
    assert cfg['name_architecture'] == 'hrda1-512-0.1_daformer_sepaspp_sl_mitb5'
    assert cfg['model']['test_cfg'] == {
        'mode': 'slide',
        'batched_slide': True,
        'crop_size': [512, 512],
        'stride': [256, 256],
    }
    assert cfg['model']['feature_scale'] == 'all'
    assert cfg['data']['train']['target'] == {'crop_pseudo_margins': [30, 240, 30, 30]}
    assert cfg['data']['train']['sync_crop_size'] == [512, 512]
    assert 'uda' not in cfg


def test_unusual_optimiser_is_in_the_name() -> None:
    row = Row(
        'dlv2red', 'r101v1c', 'advseg', optimizer='sgd', lr=0.0025, head_lr_mult=False, source='gtaCAug'
    )
    assert compose(row, 0, 41)['name'] == 'gtaCAug2cs_advseg_dlv2red_r101v1c_poly10warm_sgd_00025_pmF_s0'
