"""Options that adaptation methods share, and checks of those that only some have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmseg.errors import ConfigError
from mmseg.options import Count, NoOptions, Share
from mmseg.uda.augmentation import JitterStrength


@dataclass(frozen=True, kw_only=True)
class AdaptationOptions(NoOptions):
    """How pseudo-labels are made and strong augmentation is drawn, by the method or by its masked consistency.

    Attributes:
        alpha: share of the old teacher kept in a step.
        pseudo_threshold: probability from which a pseudo-label counts as confident.
        pseudo_weight_ignore_top, pseudo_weight_ignore_bottom: rows of the target crop that get weight 0.
        blur: whether mixed images are blurred (every second batch); masked ones are in any case.
        color_jitter_strength: half-widths of the ranges that factors are drawn from: one number, or a dict of some of
            ``brightness``, ``contrast``, ``saturation`` (up to 1) and ``hue`` (up to 0.5).
        color_jitter_probability: Quirk: probability of *no* jitter (docs/methods/self-training.md#strong-augmentation).
        debug_img_interval: draw debug pictures every so many iterations (:mod:`mmseg.visualization.debug_pictures`).
        print_grad_magnitude: log the norm of the gradient that each part of the loss sends into the backbone: 'Seg.
            Grad.' (source), 'Fdist Grad.' (feature distance), 'Mix. Grad.' (mixed), 'Instance Grad.' (instance bank).
            Takes a backward pass more for each.
    """

    alpha: Share = 0.999
    pseudo_threshold: Share = 0.968
    pseudo_weight_ignore_top: Count = 0
    pseudo_weight_ignore_bottom: Count = 0
    blur: bool = True
    color_jitter_strength: float | Mapping[str, float] = 0.2
    color_jitter_probability: Share = 0.2
    debug_img_interval: Count = 1000
    print_grad_magnitude: bool = False

    @property
    def ignore_rows(self) -> tuple[int, int]:
        """First and last rows of the target crop that get weight 0."""
        return self.pseudo_weight_ignore_top, self.pseudo_weight_ignore_bottom

    @property
    def jitter_strength(self) -> JitterStrength:
        """Ranges of colour jitter."""
        return JitterStrength.parse(self.color_jitter_strength)

    @property
    def jitter_above(self) -> float:
        """Uniform number above which colour jitter is applied."""
        return self.color_jitter_probability

    def conflicts(self) -> list[str]:
        """The jitter's strength, whose keys no annotation tells."""
        return JitterStrength.problems(self.color_jitter_strength)


def weight_problems(name: str, weights: Mapping[str, float]) -> list[str]:
    """One sentence if an option is no dict of weights of the main and, perhaps, an auxiliary loss."""
    if {'main'} <= set(weights) <= {'main', 'aux'} and all(value >= 0 for value in weights.values()):
        return []
    return [f'{name}: found {weights!r}, expected dict(main=weight) with numbers of at least 0.']


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
