"""Start-up tests on drawn scenes."""

from pathlib import Path

import pytest

from mmseg.config import load_config
from mmseg.errors import UsageError
from mmseg.toolbox.experiments import startup
from mmseg.toolbox.experiments.jobs import LaunchOptions, plan_experiment
from mmseg.toolbox.experiments.startup import on_builtin_data


def test_sizes_shrink_and_nothing_needs_a_file(workspace: Path) -> None:
    job = plan_experiment('daformer-7', LaunchOptions(startup_test=True))[0]
    cfg = load_config(on_builtin_data(job.config, Path('drawn')))
    source = cfg.data.train.source
    assert source.data_root == 'drawn/synthia'
    assert source.pipeline[2].img_scale == (160, 95)
    assert list(source.pipeline[3].crop_size) == [64, 64]
    assert list(cfg.data.val.pipeline[1].img_scale) == [128, 64]
    assert cfg.data.train.rare_class_sampling.min_pixels == 0
    assert (cfg.uda.pseudo_weight_ignore_top, cfg.uda.pseudo_weight_ignore_bottom) == (1, 15)
    assert cfg.model.pretrained is None
    assert cfg.model.backbone.type == 'mit_b5'
    assert '_base_' not in cfg


def test_mask_blocks_shrink_with_the_crops(workspace: Path) -> None:
    job = plan_experiment('80', LaunchOptions(startup_test=True, only=('gtaHR*',)))[0]
    cfg = load_config(on_builtin_data(job.config, Path('drawn')))
    assert cfg.uda.mask_generator.mask_block_size == 4
    assert list(cfg.model.hr_crop_size) == [32, 32]
    assert list(cfg.data.train.target.crop_pseudo_margins) == [
        30,
        240,
        30,
        30,
    ]  # of the full mask, which is resized


def test_encoders_of_parts_need_no_file_either(workspace: Path) -> None:
    cfg = load_config(on_builtin_data({'_base_': ['vfm/gtaHR2csHR_dinov2_s.py']}, Path('drawn')))
    encoders = (cfg.model.backbone, cfg.uda.parts[0].backbone)
    assert [encoder.img_size for encoder in encoders] == [64, 64]
    assert [encoder.pretrained for encoder in encoders] == [None, None]
    assert cfg.uda.mask_generator == {'type': 'token', 'mask_ratio': 0.7}


def test_small_crops_shrink_less(workspace: Path) -> None:
    job = plan_experiment('42', LaunchOptions(startup_test=True, only=('*sf128x128*',)))[0]
    cfg = load_config(on_builtin_data(job.config, Path('drawn')))
    assert list(cfg.data.train.source.pipeline[3].crop_size) == [256, 256]
    assert list(cfg.model.test_cfg.crop_size) == [64, 64]


def test_sizes_stay_divisible(workspace: Path) -> None:
    job = plan_experiment('44', LaunchOptions(startup_test=True, only=('*sf768x768*hrda1-512*',)))[0]
    cfg = load_config(on_builtin_data(job.config, Path('drawn')))
    assert list(cfg.model.hr_crop_size) == [64, 64]  # a twelfth would be 42


def test_the_context_stays_large_enough(workspace: Path) -> None:
    job = plan_experiment('44', LaunchOptions(startup_test=True, only=('*sf512x512*sc025*',)))[0]
    cfg = load_config(on_builtin_data(job.config, Path('drawn')))
    assert list(cfg.data.train.sync_crop_size) == [128, 128]  # of which the context is a quarter
    assert list(cfg.data.train.source.pipeline[3].crop_size) == [256, 256]


def test_data_that_cannot_be_drawn_is_told(workspace: Path) -> None:
    job = plan_experiment('daformer-7', LaunchOptions(cfg_options={'data.val.data_root': 'data/mapillary/'}))[
        0
    ]
    with pytest.raises(UsageError, match='mapillary'):
        on_builtin_data(job.config)


def test_scenes_are_drawn_once(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, 'SCENE_SIZE', (96, 48))
    startup.prepare_scenes(Path('drawn'))
    first = {path: path.stat().st_mtime_ns for path in Path('drawn').rglob('*.png')}
    startup.prepare_scenes(Path('drawn'))
    assert {path: path.stat().st_mtime_ns for path in Path('drawn').rglob('*.png')} == first
    assert Path('drawn/cityscapes/samples_with_class.json').is_file()
    for picture, label in (('acdc', 'train'), ('dark_zurich', 'train/night'), ('dark_zurich', 'val')):
        names = {path.name for path in Path('drawn', picture, 'rgb_anon', label).iterdir()}
        labels = {path.name for path in Path('drawn', picture, 'gt', label).iterdir()}
        assert len(names) == 3
        assert labels == {name.replace('rgb_anon', 'gt_labelTrainIds') for name in names}
