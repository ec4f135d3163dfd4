"""Checks of the options of adaptation methods."""

import math
from collections.abc import Sequence

from mmseg.errors import ConfigError

UPPER_LIMITS = {
    'alpha': 1.0,
    'pseudo_threshold': 1.0,
    'pseudo_weight_ignore_top': math.inf,
    'pseudo_weight_ignore_bottom': math.inf,
    'imnet_feature_dist_lambda': math.inf,
    'imnet_feature_dist_scale_min_ratio': 1.0,
    'color_jitter_probability': 1.0,
    'mask_alpha': 1.0,
    'mask_pseudo_threshold': 1.0,
    'mask_lambda': math.inf,
    'mask_generator.mask_ratio': 1.0,
    'lr_D': math.inf,
    'lr_D_power': math.inf,
    'lr_D_min': math.inf,
    'lambda_ent.main': math.inf,
    'lambda_adv_target.main': math.inf,
}
"""Largest valid values of options below ``uda``; the smallest is 0 for all."""


def range_problems(**numbers: float | None) -> list[str]:
    """One sentence for each number outside its range; None is valid everywhere.

    Args:
        numbers: values by option name, a key of :data:`UPPER_LIMITS`.
    """
    return [
        f'uda.{name} is {value!r}; expected a number from 0 to {UPPER_LIMITS[name]:g}'
        for name, value in numbers.items()
        if value is not None and not 0 <= value <= UPPER_LIMITS[name]
    ]


def raise_problems(problems: Sequence[str]) -> None:
    """Raise one error for all problems, if there are any."""
    if problems:
        raise ConfigError('. '.join(problems) + '.')


def check_options(mix: str, distance_classes: Sequence[int] | None, **numbers: float | None) -> None:
    """Raise one error for all options of self-training that are out of range."""
    problems = range_problems(**numbers)
    if mix != 'class':
        problems.append(f"uda.mix is {mix!r}; expected 'class', the only mixing there is")
    if distance_classes is not None and numbers['imnet_feature_dist_scale_min_ratio'] is None:
        problems.append(
            'uda.imnet_feature_dist_scale_min_ratio is missing; with imnet_feature_dist_classes it must say '
            'what share of a feature cell a class has to cover (published: 0.75)'
        )
    raise_problems(problems)
