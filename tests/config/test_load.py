"""Merging, options, presets and plain values of configurations."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from mmseg.config import load_config, resolved
from mmseg.config.files import configs_folder
from mmseg.errors import ConfigError

BASE = """
log_config = dict(interval=50, hooks=[dict(type='TextLoggerHook')])
_pipeline = dict(type='TestPipeline', img_scale=(64, 32))
test_pipeline = _pipeline
data = dict(samples_per_gpu=2, workers_per_gpu=4)
optimizer = dict(type='AdamW', lr=1e-4, betas=(0.9, 0.999))
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / 'base.py'
    path.write_text(BASE)
    return path


def child(base: Path, text: str, name: str = 'child.py') -> Path:
    path = base.parent / name
    path.write_text(text)
    return path


def test_child_is_merged_over_its_base(base: Path) -> None:
    cfg = load_config(
        child(base, "_base_ = 'base.py'\nlog_config = dict(interval=5)\noptimizer_config = None\n")
    )
    assert cfg.log_config.interval == 5
    assert cfg.log_config.hooks[0].type == 'TextLoggerHook'
    assert cfg['optimizer']['betas'] == (0.9, 0.999)
    assert cfg.optimizer_config is None
    assert '_pipeline' not in cfg


def test_delete_replaces_and_leaves_no_mark(base: Path) -> None:
    text = "_base_ = 'base.py'\noptimizer = dict(_delete_=True, type='SGD', lr=1.0)\nrunner = dict(_delete_=True)\n"
    cfg = load_config(child(base, text))
    assert cfg.optimizer.to_dict() == {'type': 'SGD', 'lr': 1.0}
    assert cfg.runner.to_dict() == {}


def test_json_keeps_infinity_and_child_lists_replace(base: Path) -> None:
    child(base, '{"log_config": {"hooks": [{"type": "TextLoggerHook"}]}}', 'base.json')
    text = '{"_base_": ["base.json"], "log_config": {"hooks": []}, "exp": Infinity}'
    cfg = load_config(child(base, text, 'child.json'))
    assert cfg.exp == math.inf
    assert cfg.log_config.hooks == []
    assert json.loads(json.dumps(resolved(cfg)))['exp'] == math.inf


def test_presets_are_expanded_unless_asked_not_to(base: Path) -> None:
    assert load_config(base, expand=False).test_pipeline.type == 'TestPipeline'
    steps = load_config(base).test_pipeline
    assert [step.type for step in steps] == ['LoadImageFromFile', 'MultiScaleFlipAug']
    assert resolved(load_config(base, expand=False)) == resolved(load_config(base))


def test_options_reach_presets_and_steps(base: Path) -> None:
    cfg = load_config(base, ['test_pipeline.img_scale=(8,4)', 'test_pipeline.1.flip=True', 'seed=3'])
    assert cfg.test_pipeline[1].img_scale == (8, 4)
    assert cfg.test_pipeline[1].flip is True
    assert cfg.seed == 3


@pytest.mark.parametrize('option', ['log_config.interval.deep=1', 'log_config.hooks.7.type=x'])
def test_option_that_does_not_fit(base: Path, option: str) -> None:
    with pytest.raises(ConfigError, match='does not fit'):
        load_config(base, [option])


def test_error_while_a_file_runs_names_file_and_line(base: Path) -> None:
    path = child(base, "_base_ = 'base.py'\nseed = unknown_name\n")
    with pytest.raises(ConfigError, match=r'child\.py:2: NameError'):
        load_config(path)


def test_dict_over_a_number_is_an_error(base: Path) -> None:
    path = child(base, "_base_ = 'base.py'\nlog_config = dict(interval=dict(a=1))\n")
    with pytest.raises(ConfigError, match='cannot inherit'):
        load_config(path)


def test_dict_source_with_bases_of_the_configs_folder() -> None:
    cfg = load_config({'_base_': ['_base_/schedules/sgd.py'], 'optimizer': {'lr': 0.0025}})
    assert cfg.optimizer.to_dict() == {'type': 'SGD', 'lr': 0.0025, 'momentum': 0.9, 'weight_decay': 0.0005}


@pytest.mark.slow
@pytest.mark.parametrize('path', sorted(configs_folder().glob('[!_g]*/*.py')), ids=lambda path: path.stem)
def test_every_shipped_configuration_is_valid(path: Path) -> None:
    assert load_config(path).model.type


def test_annotated_daformer_is_the_published_one() -> None:
    cfg = load_config(next(configs_folder().glob('daformer/*_s0.py')))
    assert cfg.uda.alpha == 0.999
    assert cfg.uda.color_jitter_probability == 0.2
    assert cfg.data.train.rare_class_sampling.min_crop_ratio == 0.5
    assert cfg.data.train.source.pipeline[2].img_scale == (1280, 720)
    assert cfg.model.decode_head.decoder_params.fusion_cfg.sep is True
    assert cfg.optimizer_config is None
    assert cfg.lr_config.warmup_iters == 1500


def test_helper_variables_are_not_part_of_it(base: Path) -> None:
    cfg = load_config(child(base, "_base_ = 'base.py'\nrate = 0.5\noptimizer = dict(lr=rate)\n"))
    assert 'rate' not in cfg
    assert cfg.optimizer.lr == 0.5


HELPERS = """
_hidden = 3
norm = dict(mean=[1.0] * 3, std=[2.0] * 3, to_rgb=True)
size = (64, 64)
classes_of_mine = ['a', 'b']
pipeline = dict(type='TrainPipeline', img_scale=(128, 96), crop_size=size, img_norm_cfg=norm)
data = dict(train=dict(type='CustomDataset', img_dir='images', classes=classes_of_mine, pipeline=pipeline))
optimizer = dict(type='AdamW', lr=float('6e-5'))
"""


SHIPPED = sorted(str(path) for path in Path('configs').glob('[!_]*/*.*'))
OF_EACH_FOLDER = {Path(path).parent: path for path in SHIPPED}.values()
"""To format one as Python takes a second."""


@pytest.mark.slow  # each reads a configuration twice and builds its networks twice
@pytest.mark.parametrize(
    ('source', 'ending'),
    [
        *((source, '.json') for source in [*SHIPPED, 'helpers']),
        *((source, '.py') for source in [*OF_EACH_FOLDER, 'helpers']),
    ],
    ids=str,
)
def test_a_saved_configuration_loads_and_means_the_same(source: str, ending: str, tmp_path: Path) -> None:
    from mmseg.engine.work_folder import save_config

    if source == 'helpers':
        source = str(tmp_path / 'helpers.py')
        Path(source).write_text(HELPERS, encoding='utf-8')
    cfg = load_config(source)
    save_config(cfg, tmp_path / f'saved{ending}')
    again = load_config(tmp_path / f'saved{ending}')
    plain = [
        json.loads(json.dumps(resolved(one))) for one in (again, cfg)
    ]  # keys of dicts become texts in JSON
    assert plain[0] == plain[1]
    assert not {'norm', 'size', 'classes_of_mine', 'pipeline'} & set(again)


def test_options_for_helper_variables_are_refused(tmp_path: Path) -> None:
    """They were copied when the file was read, so that another value would change nothing."""
    path = tmp_path / 'own.py'
    path.write_text("rate = 0.1\noptimizer = dict(type='SGD', lr=rate)\nseed = 1\n", encoding='utf-8')
    with pytest.raises(ConfigError, match='rate: a helper variable of the file'):
        load_config(path, ['rate=0.2'])
    assert load_config(path, ['optimizer.lr=0.2', 'seed=2']).optimizer.lr == 0.2


def test_what_nothing_uses_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'own.py'
    path.write_text('rate = 0.1\n', encoding='utf-8')
    with pytest.raises(ConfigError, match='rate: unknown key.*Nothing uses it'):
        load_config(path)


@pytest.mark.parametrize('source', [None, 5, ['own.py']], ids=repr)
def test_what_is_no_configuration_is_refused(source: Any) -> None:
    with pytest.raises(ConfigError, match='expected the path of a .py or .json file, or a dict'):
        load_config(source)
