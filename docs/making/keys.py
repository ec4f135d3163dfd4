"""Keys of the sections that hold plain values: what a run gets of each, where its declaration is, what it means."""

from typing import Any

from docs.making.components import NEEDED, Row
from docs.making.meanings import as_markdown, meanings
from mmseg.config import schema
from mmseg.config.translate import LrSchedule, TrainSettings, train_settings
from mmseg.datasets.uda import RareClassSampler

STEPS = 987654321
"""A length of a run that no default has by chance: where it turns up, the default is that length."""

LENGTH = 'runner.max_iters'

DECLARED = 'model.decode_head.num_classes'
"""Has a check of its own here, and a declaration in the options of heads."""

FIELDS = {
    'seed': 'seed', 'deterministic': 'deterministic', 'precision': 'precision', 'compile': 'compile',
    'channels_last': 'channels_last', 'batch_norm': 'batch_norm', 'load_from': 'load_from',
    'activation_checkpointing': 'activation_checkpointing', 'gradient_accumulation': 'gradient_accumulation',
    'optimizer_sharding': 'optimizer_sharding', 'compare_ranks': 'compare_ranks', 'nan_policy': 'nan_policy',
    'nan_limit': 'nan_limit', 'new_classifier': 'new_classifier', 'resume_from': 'resume_from', 'name': 'name',
    'log_level': 'log_level', 'auto_scale_lr': 'auto_scale_lr', LENGTH: 'max_iters',
    'optimizer_config.grad_clip': 'grad_clip', 'checkpoint_config.interval': 'checkpoint_interval',
    'checkpoint_config.max_keep_ckpts': 'max_keep_ckpts', 'checkpoint_config.save_last': 'save_last',
    'checkpoint_config.async_save': 'async_save', 'evaluation.interval': 'eval_interval',
    'evaluation.metric': 'eval_metrics', 'evaluation.save_best': 'save_best', 'evaluation.rule': 'best_rule',
    'evaluation.report': 'report', 'evaluation.teacher': 'eval_teacher',
    'log_config.interval': 'log_interval', 'log_config.hooks': 'log_hooks',
    'log_config.img_interval': 'debug_img_interval', 'data.samples_per_gpu': 'samples_per_gpu',
    'data.workers_per_gpu': 'workers', 'data.on_error': 'on_error', 'data.max_error_share': 'max_error_share',
    'data.timeout': 'timeout',
}  # fmt: skip
"""Key -> attribute of :class:`TrainSettings` that a run gets from it."""

SECTIONS = {
    'model': ('The network: [segmentors](#segmentors).', NEEDED),
    'uda': ('The [method](#methods); without it, supervised training.', 'none'),
    'data': ('Data sets, and how they are read.', NEEDED),
    'data.train': ('The [data set](#data-sets) that is trained on; a list is joined.', NEEDED),
    'data.val': ('The one that is scored during training.', 'none'),
    'data.test': ('The one that `tools/test.py` predicts.', 'none'),
    'optimizer': (
        '`type`: a class of torch.optim; `lr`, and the other arguments of that class; `paramwise_cfg`.', NEEDED,
    ),
    'optimizer.lr': ('Learning rate, before [auto_scale_lr](scaling.md).', NEEDED),
    'optimizer.paramwise_cfg.custom_keys': (
        'Part of a parameter\'s name -> dict(lr_mult, decay_mult): factors of its rate and weight decay.', 'none',
    ),
    'optimizer.paramwise_cfg.layer_decay': (
        'The rates of encoders fall by this factor from layer to layer towards the input.', 'none',
    ),
    'optimizer.paramwise_cfg.flat_decay_mult': ('Factor of the weight decay of biases and norms.', '`1.0`'),
    'optimizer_config': ('Holds `grad_clip`.', 'none'),
    'optimizer_config.grad_clip.max_norm': ('Gradients of a larger norm are scaled to it.', NEEDED),
    'optimizer_config.grad_clip.norm_type': ('Which norm.', '`2`'),
    'auto_scale_lr.base_batch_size': ('Pictures of the batch that `optimizer.lr` was chosen for.', NEEDED),
    'auto_scale_lr.rule': ('How the rate grows with the batch.', "`'linear'`"),
    'lr_config': ('The learning rate over time.', 'none'),
    'runner': ('How long to train.', NEEDED),
    'runner.type': ('Runs are counted in iterations, not epochs.', "`'IterBasedRunner'`"),
    'checkpoint_config': ('When checkpoints are written.', 'none'),
    'evaluation': ('When and how the validation data are scored.', 'none'),
    'log_config': ('What is written when.', 'none'),
    'work_dir': ('Folder of the run.', '`work_dirs/NAME`'),
    'exp': ('Number or name of the experiment, after which the folder of its runs is called.', 'none'),
    'crop_size': ('A variable of published configurations, whose pipelines repeat it; nothing else reads it.', 'none'),
    'custom_imports': (
        'dict(imports=[...]): modules of your own that register components ([security](security.md)).', 'none',
    ),
    'model.test_cfg.mode': ("'whole', or 'slide': windows, whose logits are averaged.", "`'whole'`"),
    'model.test_cfg.crop_size': ("Size of the windows; mode 'slide' needs it.", 'none'),
    'model.test_cfg.stride': ("Step from window to window; mode 'slide' needs it.", 'none'),
    'model.test_cfg.batched_slide': ('All windows in one forward pass: faster, more memory.', '`False`'),
    'data.train.rare_class_sampling': ('The three keys below; None: pictures come equally often.', '`None`'),
}  # fmt: skip
"""Key -> (meaning, default) of what :class:`TrainSettings` does not tell."""


def plain_keys() -> list[str]:
    """All keys of plain values, dotted, in the order of the page."""
    inner = [f'{section}.{key}' for section, keys in schema.SECTIONS.items() for key in keys]
    outer = {key.split('.')[0] for key in inner}
    return sorted(
        {*schema.TOP_LEVEL, *inner} | set(schema.VALUES), key=lambda key: (key.split('.')[0] in outer, key)
    )


def plain_rows(top: str | None) -> list[Row]:
    """Rows of one section, or (None) of the keys that stand alone.

    Raises:
        LookupError: nothing tells what a key means.
    """
    names = [key for key in plain_keys() if ('.' not in key if top is None else key.startswith(f'{top}.'))]
    return [_row(name) for name in names if name != DECLARED]


def _row(name: str) -> Row:
    value = schema.VALUES[name][1] if name in schema.VALUES else 'a dict'
    if name in SECTIONS:
        return Row(name, value, SECTIONS[name][1], SECTIONS[name][0])
    if name in FIELDS:
        meaning = meanings(TrainSettings)[FIELDS[name]]
        default = getattr(train_settings({'runner': {'max_iters': STEPS}}), FIELDS[name])
        return Row(name, value, NEEDED if name in schema.REQUIRED else _shown(default), as_markdown(meaning))
    place, _, last = name.rpartition('.')
    if place == 'lr_config':
        default = getattr(LrSchedule(), last)
        return Row(name, value, _shown(default), as_markdown(meanings(LrSchedule)[last]))
    if place == 'data.train.rare_class_sampling':
        return Row(name, value, NEEDED, as_markdown(meanings(RareClassSampler)[last]))
    raise LookupError(f'{name}: say in docs/making/keys.py what it means.')


def _shown(default: Any) -> str:
    return 'the length of the run' if default == STEPS else f'`{default!r}`'
