"""Checks of the options of adaptation methods."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmseg.errors import ConfigError
from mmseg.uda.augmentation import JitterStrength

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
    'lr_D': math.inf,
    'lr_D_power': math.inf,
    'lr_D_min': math.inf,
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


def weight_problems(name: str, weights: Any) -> list[str]:
    """One sentence if ``uda.<name>`` is not a dict of weights of the main and, perhaps, an auxiliary loss."""
    valid = isinstance(weights, Mapping) and {'main'} <= set(weights) <= {'main', 'aux'}
    if valid and all(isinstance(value, int | float) and value >= 0 for value in weights.values()):
        return []
    return [f'uda.{name} is {weights!r}; expected dict(main=weight) with numbers of at least 0']


def head_weights(name: str, weights: Mapping[str, float], heads: Sequence[str]) -> dict[str, float]:
    """The weight of each head's loss: ``main`` of the decode head's, ``aux`` of those of auxiliary heads.

    Args:
        name, weights: option below ``uda`` without :func:`weight_problems`.
        heads: :attr:`mmseg.models.segmentors.encoder_decoder.EncoderDecoder.head_names`.

    Raises:
        ConfigError: there are auxiliary heads, but no weight for them.
    """
    if len(heads) > 1 and 'aux' not in weights:
        raise ConfigError(
            f'uda.{name} is {dict(weights)!r}, but model.auxiliary_head has a loss, too. Add aux=weight (0 for none), '
            'or remove model.auxiliary_head.'
        )
    return {head: float(weights['main' if head == 'main' else 'aux']) for head in heads}


def raise_problems(problems: Sequence[str]) -> None:
    """Raise one error for all problems, if there are any."""
    if problems:
        raise ConfigError('. '.join(problems) + '.')


@dataclass(frozen=True)
class SelfTrainingOptions:
    """How pseudo-labels are made and strong augmentation is drawn; options below ``uda``.

    Attributes:
        alpha: share of the old teacher kept in a step, in [0, 1].
        pseudo_threshold: probability from which a pseudo-label counts as confident, in [0, 1].
        ignore_rows: first and last rows of the target crop that get weight 0.
        jitter_strength: ranges of colour jitter.
        jitter_above: uniform number from which colour jitter is applied, in [0, 1].
    """

    alpha: float
    pseudo_threshold: float
    ignore_rows: tuple[int, int]
    jitter_strength: JitterStrength
    jitter_above: float

    def problems(self) -> list[str]:
        """One sentence for each option out of range."""
        return range_problems(
            alpha=self.alpha,
            pseudo_threshold=self.pseudo_threshold,
            pseudo_weight_ignore_top=self.ignore_rows[0],
            pseudo_weight_ignore_bottom=self.ignore_rows[1],
            color_jitter_probability=self.jitter_above,
        )


@dataclass(frozen=True)
class DistanceOptions:
    """Feature distance; options ``imnet_feature_dist_*`` below ``uda``, see :class:`mmseg.uda.method.DACS`."""

    weight: float
    classes: Sequence[int] | None
    min_ratio: float | None

    def problems(self) -> list[str]:
        """One sentence for each option out of range."""
        found = range_problems(
            imnet_feature_dist_lambda=self.weight, imnet_feature_dist_scale_min_ratio=self.min_ratio
        )
        if self.classes is not None and self.min_ratio is None:
            found.append(
                'uda.imnet_feature_dist_scale_min_ratio is missing; with imnet_feature_dist_classes it must say '
                'what share of a feature cell a class has to cover (published: 0.75)'
            )
        return found


def mix_problems(mix: str) -> list[str]:
    """One sentence if ``uda.mix`` is not valid."""
    return [] if mix == 'class' else [f"uda.mix is {mix!r}; expected 'class', the only mixing there is"]
