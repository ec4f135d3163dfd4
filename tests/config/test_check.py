"""Strict checking: every problem at once, each with its place and the nearest valid name."""

from typing import Any

import pytest

from mmseg.config.check import check_config, inspect_config
from mmseg.config.sections import require_sections
from mmseg.errors import ConfigError, nearest

SECTIONS: dict[str, Any] = {
    'model': {
        'type': 'EncoderDecoder',
        'backbone': {'type': 'mit_b0', 'style': 'pytorch'},
        'decode_head': {
            'type': 'SegFormerHead',
            'in_channels': [32, 64, 160, 256],
            'in_index': [0, 1, 2, 3],
            'channels': 128,
            'num_classes': 19,
            'decoder_params': {},
            'loss_decode': {'type': 'CrossEntropyLoss', 'loss_weight': 1.0},
        },
        'test_cfg': {'mode': 'whole'},
    },
    'uda': {'type': 'DACS', 'alpha': 0.99, 'imnet_feature_dist_scale_method': 'ratio', 'source_only': True},
    'data': {
        'samples_per_gpu': 2,
        'workers_per_gpu': 4,
        'train': {
            'type': 'GTADataset',
            'data_root': 'data/gta/',
            'img_dir': 'images',
            'ann_dir': 'labels',
            'pipeline': [
                {'type': 'LoadImageFromFile'},
                {'type': 'Resize', 'img_scale': (64, 32)},
                {'type': 'LoadAnnotations'},
                {'type': 'DefaultFormatBundle'},
                {'type': 'Collect', 'keys': ['img', 'gt_semantic_seg']},
            ],
        },
    },
    'optimizer': {'type': 'AdamW', 'lr': 6e-5, 'paramwise_cfg': {'custom_keys': {'head': {'lr_mult': 10.0}}}},
    'runner': {'type': 'IterBasedRunner', 'max_iters': 10},
    'n_gpus': 1,
}


def config(**changes: Any) -> dict[str, Any]:
    """The valid configuration with values set by dotted key ('.' written as '__')."""

    def copy(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: copy(item) for key, item in value.items()}
        return [copy(item) for item in value] if isinstance(value, list) else value

    values = copy(SECTIONS)
    for key, value in changes.items():
        *parents, last = key.split('__')
        holder = values
        for parent in parents:
            holder = holder[int(parent) if parent.isdigit() else parent]
        holder[last] = value
    return values


def problems(**changes: Any) -> list[str]:
    return inspect_config(config(**changes)).problems


def test_valid_configuration_has_only_notes() -> None:
    report = check_config(config())
    assert report.problems == []
    assert [note.split(':')[0] for note in report.notes] == [
        'n_gpus',
        'model.backbone.style',
        'uda.imnet_feature_dist_scale_method',
    ]


@pytest.mark.parametrize(
    ('key', 'value', 'told'),
    [
        ('sed', 1, "sed: unknown key; the nearest valid name is 'seed'"),
        ('uda__alhpa', 1, "uda.alhpa: unknown key; the nearest valid name is 'alpha'"),
        ('model__backbone__drop_pth_rate', 1, "model.backbone.drop_pth_rate: unknown key; the nearest valid name"),
        ('model__backbone__type', 'mitb0', "model.backbone.type: no model is called 'mitb0'"),
        ('model__decode_head__chanels', 1, "the nearest valid name is 'channels'"),
        ('model__decode_head__loss_decode__weight', 1, "the nearest valid name is 'loss_weight'"),
        ('data__train__img_dirs', 1, "the nearest valid name is 'img_dir'"),
        ('data__train__pipeline__1__img_scael', 1, "data.train.pipeline.1.img_scael: unknown key; the nearest"),
        ('data__train__pipeline__1__type', 'Resise', "the nearest valid name is 'Resize'"),
        ('data__train__pipeline', {'type': 'TranPipeline'}, "the nearest valid name is 'TrainPipeline'"),
        ('data__train__pipeline', {'type': 'TrainPipeline', 'img_scale': (8, 4)}, 'crop_size: missing'),
        ('data__train', 'gta', 'data.train: expected a dict with a type'),
        ('optimizer__weight_dekay', 1, "the nearest valid name is 'weight_decay'"),
        ('optimizer__type', 'Adamw', "the nearest valid name is 'AdamW'"),
        ('optimizer__paramwise_cfg__custom_keys__head__lr_mul', 1, "the nearest valid name is 'lr_mult'"),
        ('optimizer__lr', 'fast', "optimizer.lr: found 'fast', expected a number"),
        ('runner__max_iters', 0, 'expected a whole number of at least 1'),
        ('runner__max_iters', True, 'expected a whole number of at least 1'),
        ('evaluation', 3, 'evaluation: expected a dict'),
        ('precision', 'fp8', "'fp32', 'bf16' or 'fp16'"),
        ('model__test_cfg__mode', 'slide', 'model.test_cfg.crop_size: missing'),
        ('data__train__classes', 'water', 'no file of class names; write a list of names'),
        ('data__train__classes', 7, 'found 7, expected a list of texts or a text or None'),
        ('data__train__pipeline', {'type': 'TrainPipeline', 'img_scale': (8, 4), 'crop_size': 128}, 'found 128'),
        ('data__train__pipeline', 'abc', "data.train.pipeline: found 'abc', expected a list of dicts"),
        ('data__train__pipeline__1__img_scale', 1024, 'pipeline.1.img_scale: found 1024, expected a list of 2'),
        ('data__train__pipeline__1__img_scale', [1, 2, 3], 'expected a list of 2 whole numbers'),
        ('model__decode_head__num_classes', 1, 'expected a whole number of at least 2'),
        ('model__decode_head__channels', '128', "found '128', expected a whole number"),
        ('model__test_cfg__stride', 4, 'model.test_cfg.stride: found 4, expected two positive whole numbers'),
        ('model__backbone', 'mit_b0', "expected a dict with a type, found 'mit_b0'"),
        ('model__backbone__type', ['mit_b0'], "no model is called ['mit_b0']"),
        ('model__decode_head__loss_decode', 5, 'model.decode_head.loss_decode: found 5, expected a dict'),
        ('uda__alpha', '0.9', "uda.alpha: found '0.9', expected a number"),
        ('uda__instance_bank', {'bank_size': 'big'}, "uda.instance_bank.bank_size: found 'big', expected a whole"),
        ('evaluation', {'metric': [['mIoU']]}, 'one or several of mIoU, mDice, mFscore (the official'),
        ('evaluation', {'metric': ['mIoU', 'mIou']}, 'one or several of mIoU, mDice, mFscore (the official'),
        ('load_from', True, 'load_from: found True, expected a text or None'),
        ('optimizer', 'AdamW', "optimizer: expected a dict with a type, found 'AdamW'"),
        ('optimizer__type', ['AdamW'], "torch.optim has no ['AdamW']"),
        ('optimizer__betas', 0.9, 'optimizer.betas: found 0.9, expected a list of 2'),
        ('optimizer__paramwise_cfg__custom_keys', {'head': 10.0}, 'expected a dict of dicts'),
        ('optimizer__paramwise_cfg__custom_keys__head__lr_mult', 'ten', 'custom_keys: found'),
        ('optimizer__paramwise_cfg__layer_decay', 1.5, 'layer_decay: found 1.5, expected a number above 0'),
        ('optimizer__paramwise_cfg__layer_decya', 0.9, "the nearest valid name is 'layer_decay'"),
        ('auto_scale_lr', {'base_batch_size': 0, 'rule': 'sqrt'}, 'base_batch_size: found 0, expected a whole number'),
        ('auto_scale_lr', {'base_batch_size': 2, 'rule': 'root'}, "rule: found 'root', expected 'linear' or 'sqrt'"),
        ('auto_scale_lr', {'rule': 'sqrt'}, 'auto_scale_lr.base_batch_size: missing'),
        ('data__train__rare_class_sampling', {'min_pixels': '3000'}, "min_pixels: found '3000', expected a whole"),
        ('runner', {'type': 'IterBasedRunner'}, 'runner.max_iters: missing'),
        ('optimizer', {'type': 'AdamW'}, 'optimizer.lr: missing'),
        ('data', 'gta', "data: expected a dict, found 'gta'"),
        ('data__train__img_dir', ['a', 5], 'data.train.img_dir: found 5, expected a text'),
        ('data__train__img_dir', [], 'data.train.img_dir: found [], expected a text'),
        ('data__train__data_root', ['a'], "data.train.data_root: found ['a'], expected a text"),
        ('data__train', [], 'data.train: found an empty list, expected data sets'),
        ('data__val', [None], 'data.val.0: found None, expected a dict with a type'),
        ('data__train', {'type': 'RepeatDataset', 'times': 2, 'dataset': None}, 'train.dataset: found None'),
        ('data__train', {'type': 'ConcatDataset', 'datasets': []}, 'datasets: found an empty list'),
        ('optimizer__lr', float('inf'), 'optimizer.lr: found inf, expected a number of at least 0'),
        ('optimizer_config', {'grad_clip': {'norm_type': 2}}, 'optimizer_config.grad_clip.max_norm: missing'),
        ('optimizer_config', {'grad_clip': {'max_norm': 1, 'norm_type': 0}}, 'norm_type: found 0'),
        ('optimizer__paramwise_cfg__flat_decay_mult', -1, 'flat_decay_mult: found -1, expected a number of at'),
        ('log_level', 'LOUD', "log_level: found 'LOUD', expected a level of the logging library"),
        ('evaluation', {'save_best': 1}, 'evaluation.save_best: found 1, expected a text or True or False or None'),
        ('crop_size', 512, 'crop_size: found 512, expected two positive whole numbers'),
        ('uda__instance_bank', 'bank', "uda.instance_bank: found 'bank', expected a dict or None"),
        ('uda__instance_bank', [[1, 2]], 'uda.instance_bank: found [[1, 2]], expected a dict or None'),
        ('uda__class_prior', {'shares': {0: 0}}, 'uda.class_prior.shares: found {0: 0}, expected a dict of'),
        ('uda__class_prior', {'shares': {'a': 1}}, "uda.class_prior.shares: found {'a': 1}, expected a share for"),
        ('uda__class_prior', {'shares': {19: 1}}, 'uda.class_prior.shares: found [19]; expected ids of the 19'),
        ('uda__class_prior', {'share': {0: 1}}, "class_prior.share: unknown key; the nearest valid name is 'shares'"),
        ('uda', {'parts': []}, 'uda.type: missing; nothing says which model'),
        ('uda__parts', [{'type': 'FeatureDistance', 'classes': [19]}], 'uda.parts.0.classes: found [19]; expected'),
    ],
)  # fmt: skip
def test_problem_names_its_place_and_the_nearest_name(key: str, value: Any, told: str) -> None:
    found = problems(**{key: value})
    assert any(told in problem for problem in found), found


def test_missing_parameters_are_told() -> None:
    values = config()
    del values['model']['decode_head']
    del values['data']['train']['pipeline']
    found = inspect_config(values).problems
    assert any(problem.startswith('model.decode_head: missing') for problem in found)
    assert any(problem.startswith('data.train.pipeline: missing') for problem in found)


def test_all_problems_are_raised_together() -> None:
    values = config(sed=1, uda__alhpa=0.9, precision='fp8')
    with pytest.raises(ConfigError, match='3 problems') as caught:
        check_config(values)
    assert all(name in str(caught.value) for name in ('sed', 'alhpa', 'fp8'))
    assert caught.value.exit_code == 2


def test_helper_variables_are_no_problem() -> None:
    assert inspect_config({'my_size': 3}, helpers=['my_size']).problems == []
    assert inspect_config({'train_pipeline': []}).problems == []
    assert len(inspect_config({'my_size': 3}).problems) == 1


def test_nearest_is_case_blind_and_lists_few_names() -> None:
    assert nearest('ADAMW', ['AdamW', 'SGD']) == "; the nearest valid name is 'AdamW'"
    assert nearest('zzz', ['a', 'b']) == '; valid: a, b'
    assert nearest('zzz', [str(i) for i in range(20)]) == ''


def test_adaptation_needs_pairs() -> None:
    problems = inspect_config(config(uda__source_only=False)).problems
    assert len(problems) == 1
    assert 'data.train: found GTADataset, expected a UDADataset' in problems[0]
    assert inspect_config({**config(uda__source_only=False), 'data': None}).problems == []


def test_pairs_need_a_method() -> None:
    values = config(data__train={'type': 'UDADataset', 'source': {}, 'target': {}}, uda=None)
    assert any(
        'found UDADataset, but there is no uda' in problem for problem in inspect_config(values).problems
    )


def test_missing_sections_are_named_together() -> None:
    require_sections(config(), ['model', 'data.train', 'runner.max_iters'])
    with pytest.raises(ConfigError, match=r'has no data\.val, evaluation\. Take the sections'):
        require_sections(config(), ['model', 'data.val', 'evaluation'])


def test_compiled_networks_do_not_measure_gradients() -> None:
    assert inspect_config(config(uda__print_grad_magnitude=True)).problems == []
    (problem,) = inspect_config({**config(uda__print_grad_magnitude=True), 'compile': True}).problems
    assert problem.startswith('compile: found True together with uda.print_grad_magnitude')


def test_what_to_do_about_values_that_are_not_finite() -> None:
    assert inspect_config({**config(), 'nan_policy': 'skip', 'nan_limit': 0}).problems == []
    problems = inspect_config({**config(), 'nan_policy': 'ignore', 'nan_limit': -1}).problems
    assert problems == [
        "nan_policy: found 'ignore', expected 'stop' or 'skip'.",
        'nan_limit: found -1, expected a whole number of at least 0.',
    ]


@pytest.mark.parametrize('slot', ['decode_head', 'auxiliary_head'])
def test_channels_that_the_encoder_tells_may_be_left_out_or_none(slot):
    values = config()
    values['model'][slot] = dict(values['model']['decode_head'], in_channels=None)
    assert inspect_config(values).problems == []
    del values['model'][slot]['in_channels']
    assert inspect_config(values).problems == []
    values['model'][slot] = [values['model'][slot]]
    if slot == 'auxiliary_head':
        assert inspect_config(values).problems == []


def test_folders_may_be_lists() -> None:
    """docs/own-data.md promises them; the parts are built from them later."""
    assert problems(data__train__img_dir=['a', 'b'], data__train__ann_dir=['c', 'd']) == []
    (problem,) = problems(data__train__img_dir=['a', 'b'], data__train__ann_dir=['c'])
    assert 'different lengths' in problem


def test_nothing_is_told_twice() -> None:
    assert problems(model__decode_head__num_classes='many') == [
        "model.decode_head.num_classes: found 'many', expected a whole number of at least 2: one object on a "
        'background are two classes.'
    ]
    (problem,) = problems(data__train__classes='water')
    assert problem.startswith("data.train.classes: found the text 'water'")
