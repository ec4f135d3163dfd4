"""Keys that have an effect only together with others; without these they are named at the start of a run."""

from collections.abc import Callable, Mapping
from typing import Any

from mmseg.config.library_types import TRACKERS
from mmseg.config.sections import value_at

Values = Mapping[str, Any]


def idle_keys(values: Values) -> list[str]:
    """``key (reason): accepted, has no effect`` for each key that is set and waits for another one."""
    waiting = [
        (place, reason)
        for place, without_effect, reason in CONDITIONS
        if value_at(values, place) not in (None, False, {}, []) and without_effect(values)
    ]
    return [
        f'{place} ({reason}): accepted, has no effect' for place, reason in (*waiting, *_of_trackers(values))
    ]


def _of_trackers(values: Values) -> list[tuple[str, str]]:
    """Options of Weights & Biases and others, which published programs hand on (``init_kwargs``, ``log_dir``)."""
    hooks = value_at(values, 'log_config.hooks')
    return [
        (
            f'log_config.hooks.{index}.{key}',
            'what a tracker is told besides comes from its environment variables',
        )
        for index, hook in enumerate(hooks if isinstance(hooks, list | tuple) else ())
        if isinstance(hook, Mapping) and hook.get('type') in tuple(TRACKERS)  # any value may stand there
        for key in hook
        if key != 'type'
    ]


def _off(place: str) -> Callable[[Values], bool]:
    return lambda values: not value_at(values, place)


def _never_evaluated(values: Values) -> bool:
    interval, last = value_at(values, 'evaluation.interval'), value_at(values, 'runner.max_iters')
    return not interval or (isinstance(interval, int) and isinstance(last, int) and interval > last)


def _given(place: str) -> Callable[[Values], bool]:
    return lambda values: bool(value_at(values, place))


def _other(place: str, wanted: str) -> Callable[[Values], bool]:
    return lambda values: value_at(values, place) != wanted


CONDITIONS: tuple[tuple[str, Callable[[Values], bool], str], ...] = (
    ('evaluation.save_best', _never_evaluated, 'evaluation.interval gives no evaluation'),
    (
        'evaluation.interval',
        lambda values: bool(value_at(values, 'evaluation.interval')) and _never_evaluated(values),
        'runner.max_iters ends before the first evaluation',
    ),
    ('evaluation.report', _never_evaluated, 'evaluation.interval gives no evaluation'),
    ('evaluation.teacher', _never_evaluated, 'evaluation.interval gives no evaluation'),
    ('evaluation.teacher', _off('uda'), 'only methods of uda have a teacher'),
    ('evaluation.rule', _off('evaluation.save_best'), 'evaluation.save_best is not set'),
    ('load_from', _given('resume_from'), 'resume_from restores all weights'),
    ('new_classifier', _off('load_from'), 'load_from is not set'),
    ('lr_config.warmup_iters', _off('lr_config.warmup'), 'lr_config.warmup is not set'),
    ('lr_config.warmup_ratio', _off('lr_config.warmup'), 'lr_config.warmup is not set'),
    ('nan_limit', _other('nan_policy', 'skip'), "nan_policy is not 'skip'"),
    ('data.max_error_share', _other('data.on_error', 'skip'), "data.on_error is not 'skip'"),
    (
        'uda.imnet_feature_dist_classes',
        _off('uda.imnet_feature_dist_lambda'),
        'imnet_feature_dist_lambda is 0',
    ),
    ('uda.mask_generator', _off('uda.mask_mode'), 'mask_mode is not set'),
    ('uda.mask_mode', _off('uda.mask_lambda'), 'mask_lambda is 0'),
    ('log_config.img_interval', _off('uda'), 'only methods of uda draw pictures'),
)
"""Key, when it has no effect, why."""
