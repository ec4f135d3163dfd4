"""The published dialect in the engine's terms.

Pure: a configuration goes in, plain values come out, nothing is built. Defaults are the published ones
(docs/methods/configs.md, docs/methods/optimisation.md), which for the new keys means float32 and no compilation.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmengine.config import Config

from mmseg.batch import Normalisation
from mmseg.datasets.steps import normalisation_of
from mmseg.errors import ConfigError


@dataclass(frozen=True)
class LrSchedule:
    """Learning rate of iteration i as a function of a group's base rate (docs/methods/optimisation.md#learning-rate).

    Attributes:
        policy: 'poly' or 'fixed'.
        power, min_lr: of the polynomial decay.
        warmup: None, 'linear', 'constant' or 'exp'.
        warmup_iters, warmup_ratio: length and first factor of the warm-up.
    """

    policy: str = 'fixed'
    power: float = 1.0
    min_lr: float = 0.0
    warmup: str | None = None
    warmup_iters: int = 0
    warmup_ratio: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How networks compute, whatever they are.

    Attributes:
        precision: 'fp32', 'bf16' or 'fp16'.
        compile: compile the networks with torch.compile.
        channels_last: channels-last memory layout.
        batch_norm: 'synchronised' over all processes, or 'local'.
        gradient_accumulation: portions in which the trained encoder sees the images of a step.
        activation_checkpointing: blocks of the trained encoder, and separable branches of its decoder, compute twice
            instead of keeping their activations.
    """

    precision: str = 'fp32'
    compile: bool = False
    channels_last: bool = False
    batch_norm: str = 'synchronised'
    activation_checkpointing: bool = False
    gradient_accumulation: int = 1


@dataclass(frozen=True, kw_only=True)
class TrainSettings(Speed):
    """Everything that engine and build know about a run.

    Attributes:
        model: configuration of the segmentor.
        method: configuration of the adaptation method, or None: supervised training.
        train_data: configuration of the data set that is trained on.
        val_data: the same of the one that is scored during training, or None.
        normalisation: of the pictures that are trained on.
        max_iters: number of training steps.
        seed: seed of every random decision.
        deterministic: use deterministic kernels only.
        samples_per_gpu: images per domain, step and process.
        workers: loader processes per training process.
        on_error: 'stop' or 'skip' (replace) at damaged training samples.
        max_error_share: share of damaged samples above which 'skip' stops too.
        timeout: seconds to wait for a batch of loader processes; 0 waits for ever.
        optimizer: published dict: ``type``, ``lr``, ..., ``paramwise_cfg``.
        auto_scale_lr: how the learning rate grows with the batch, or None.
        schedule: learning rates.
        grad_clip: ``max_norm`` and ``norm_type``, or None.
        checkpoint_interval: steps between checkpoints.
        max_keep_ckpts: older checkpoints are deleted; -1 keeps all.
        save_last: save at the end too.
        async_save: write checkpoints while training goes on.
        eval_interval: steps between evaluations.
        eval_metrics: names of metrics.
        eval_teacher: evaluate the mean teacher, too.
        save_best: score whose best evaluation keeps its checkpoint, or None; see mmseg/engine/best.py.
        best_rule: 'greater' or 'less' is better.
        report: write ``report.html`` into the work folder after each evaluation.
        log_interval: steps between log lines.
        log_hooks: published dicts of the loggers besides text and JSON.
        log_level: name or number of the logging library.
        nan_policy: what to do with a step that is not finite: 'stop', or 'skip' (leave it out).
        nan_limit: number of steps of a run that 'skip' leaves out before it stops.
        optimizer_sharding: each process keeps the optimiser's state of its share of the parameters.
        compare_ranks: steps between comparisons of the processes, 0 = none.
        load_from: checkpoint with initial weights, or None.
        new_classifier: leave out the layers of ``load_from`` that tell classes apart.
        resume_from: checkpoint to go on from, or None.
        debug_img_interval: steps between debug pictures of the method, 0 = none.
        name: name of the run.
    """

    max_iters: int
    model: dict[str, Any] = field(default_factory=dict)
    method: dict[str, Any] | None = None
    train_data: Any = None
    val_data: Any = None
    normalisation: Normalisation = field(default_factory=Normalisation)
    seed: int = 0
    deterministic: bool = False
    samples_per_gpu: int = 2
    workers: int = 4
    on_error: str = 'stop'
    max_error_share: float = 0.1
    timeout: float = 50.0
    optimizer: dict[str, Any] = field(default_factory=dict)
    auto_scale_lr: dict[str, Any] | None = None
    schedule: LrSchedule = field(default_factory=LrSchedule)
    grad_clip: dict[str, Any] | None = None
    checkpoint_interval: int = 0
    max_keep_ckpts: int = -1
    save_last: bool = True
    async_save: bool = False
    eval_interval: int = 0
    eval_metrics: tuple[str, ...] = ('mIoU',)
    eval_teacher: bool = False
    save_best: str | None = None
    best_rule: str = 'greater'
    report: bool = True
    log_interval: int = 50
    log_hooks: tuple[dict[str, Any], ...] = ()
    log_level: str | int = 'INFO'
    nan_policy: str = 'stop'
    nan_limit: int = 10
    optimizer_sharding: bool = False
    compare_ranks: int = 0
    load_from: str | None = None
    new_classifier: bool = False
    resume_from: str | None = None
    debug_img_interval: int = 0
    name: str = ''


def speed_of(cfg: Config | Mapping[str, Any]) -> Speed:
    """The part of a configuration that says how networks compute."""
    return Speed(**_speed(cfg))


def _speed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        'precision': values.get('precision') or 'fp32',
        'compile': bool(values.get('compile', False)),
        'channels_last': bool(values.get('channels_last', False)),
        'gradient_accumulation': int(values.get('gradient_accumulation', 1)),
        'activation_checkpointing': bool(values.get('activation_checkpointing', False)),
        'batch_norm': values.get('batch_norm', 'synchronised'),
    }


def train_settings(cfg: Config | Mapping[str, Any]) -> TrainSettings:
    """Translate a checked configuration.

    Raises:
        ConfigError: the configuration does not say how long to train.
    """
    values = cfg.to_dict() if isinstance(cfg, Config) else copy.deepcopy(dict(cfg))
    if not values.get('runner'):
        raise ConfigError(
            'The configuration cannot be trained: runner is missing. Add, for instance, '
            "runner = dict(type='IterBasedRunner', max_iters=40000)."
        )
    max_iters = int(values['runner']['max_iters'])
    data = values.get('data') or {}
    seed = values.get('seed')
    return TrainSettings(
        max_iters=max_iters,
        model=values.get('model') or {},
        method=values.get('uda') or None,
        train_data=data.get('train'),
        val_data=data.get('val'),
        normalisation=normalisation_of(data.get('train')),
        seed=0 if seed is None else int(seed),
        deterministic=bool(values.get('deterministic', False)),
        samples_per_gpu=int(data.get('samples_per_gpu', 2)),
        workers=int(data.get('workers_per_gpu', 4)),
        **{key: data[key] for key in ('on_error', 'max_error_share', 'timeout') if key in data},
        optimizer=values.get('optimizer') or {},
        auto_scale_lr=values.get('auto_scale_lr'),
        schedule=_schedule(values.get('lr_config')),
        grad_clip=(values.get('optimizer_config') or {}).get('grad_clip'),
        nan_policy=values.get('nan_policy', 'stop'),
        nan_limit=int(values.get('nan_limit', 10)),
        optimizer_sharding=bool(values.get('optimizer_sharding', False)),
        compare_ranks=int(values.get('compare_ranks', 0)),
        load_from=values.get('load_from'),
        new_classifier=bool(values.get('new_classifier', False)),
        resume_from=values.get('resume_from'),
        debug_img_interval=_picture_interval(values),
        name=str(values.get('name', '')),
        **_speed(values),
        **_intervals(values, max_iters),
    )


def _picture_interval(values: Mapping[str, Any]) -> int:
    """``uda.debug_img_interval``, or what MIC's configurations have in its place.

    Source: docs/methods/mic.md#other-changes.
    """
    uda, log = values.get('uda') or {}, values.get('log_config') or {}
    return int(log.get('img_interval', uda.get('debug_img_interval', 0))) if uda else 0


def _schedule(lr_config: Mapping[str, Any] | None) -> LrSchedule:
    names = LrSchedule.__dataclass_fields__
    given = {key: value for key, value in (lr_config or {}).items() if key in names}
    if 'policy' in given:
        given['policy'] = given['policy'].lower()
    return LrSchedule(**given)


def _intervals(values: Mapping[str, Any], max_iters: int) -> dict[str, Any]:
    checkpoint = values.get('checkpoint_config') or {}
    evaluation = values.get('evaluation') or {}
    log = values.get('log_config') or {}
    metric, best = evaluation.get('metric', 'mIoU'), evaluation.get('save_best')
    hooks = tuple(hook for hook in log.get('hooks', ()) if hook.get('type') != 'TextLoggerHook')
    return {
        'checkpoint_interval': int(checkpoint.get('interval', max_iters)),
        'max_keep_ckpts': int(checkpoint.get('max_keep_ckpts', -1)),
        'async_save': bool(checkpoint.get('async_save', False)),
        'save_last': bool(checkpoint.get('save_last', True)),
        'eval_interval': int(evaluation.get('interval', 0)),
        'eval_metrics': (metric,) if isinstance(metric, str) else tuple(metric),
        'eval_teacher': bool(evaluation.get('teacher', False)),
        'save_best': 'auto' if best is True else best or None,
        'best_rule': evaluation.get('rule') or 'greater',
        'report': bool(evaluation.get('report', True)),
        'log_interval': int(log.get('interval', 50)),
        'log_hooks': hooks,
        'log_level': values.get('log_level', 'INFO'),
    }
