"""Learning-rate schedule as a closed form of the iteration (docs/methods/optimisation.md#learning-rate).

The rate of iteration i depends on i alone, so a resumed run needs no scheduler state.
"""

from mmseg.config.translate import LrSchedule
from mmseg.errors import ConfigError


def lr_at(schedule: LrSchedule, iteration: int, max_iters: int, base_lr: float) -> float:
    """Learning rate to set before an iteration (docs/methods/optimisation.md#learning-rate).

    Args:
        schedule: decay ('poly' or 'fixed') and warm-up. ``min_lr`` is the same for every parameter and may lie above
            a base rate, which then rises (poly10: 1e-4 above 6e-5).
        iteration: number of the iteration, from 0.
        max_iters: length of the run.
        base_lr: rate of the parameter at full scale.

    Returns:
        The rate. The warm-up factor multiplies the already decaying rate.

    Raises:
        ConfigError: policy or warm-up is unknown.
    """
    return _regular(schedule, iteration / max_iters, base_lr) * _warmup(schedule, iteration)


def _regular(schedule: LrSchedule, progress: float, base_lr: float) -> float:
    if schedule.policy == 'fixed':
        return base_lr
    if schedule.policy != 'poly':
        raise ConfigError(f'lr_config.policy is {schedule.policy!r}; expected "poly" or "fixed".')
    return (base_lr - schedule.min_lr) * (1 - progress) ** schedule.power + schedule.min_lr


def _warmup(schedule: LrSchedule, iteration: int) -> float:
    if schedule.warmup is None or iteration >= schedule.warmup_iters:
        return 1.0
    remaining, ratio = 1 - iteration / schedule.warmup_iters, schedule.warmup_ratio
    if schedule.warmup == 'linear':
        return 1 - remaining * (1 - ratio)
    if schedule.warmup == 'exp':
        return float(ratio**remaining)
    if schedule.warmup == 'constant':
        return ratio
    raise ConfigError(
        f'lr_config.warmup is {schedule.warmup!r}; expected None, "linear", "exp" or "constant".'
    )
