"""Pseudo-labels of target images and the weight they are trusted with.

Source: docs/methods/self-training.md#one-iteration, steps 5 and 6.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mmseg.errors import ConfigError
from mmseg.models.global_batch import denominator, mean


@dataclass(frozen=True)
class PseudoLabel:
    """What the teacher says about a target batch.

    Attributes:
        label: int64 (B, H, W), the most probable class.
        weight: float32 (B, H, W) in [0, 1], the loss weight of each pixel.
        confident: float32 scalar in [0, 1], the share of confident pixels before rows or a mask are ignored.
        seen: what debug pictures show of the prediction.
    """

    label: Tensor
    weight: Tensor
    confident: Tensor
    seen: Mapping[str, Any] = field(default_factory=dict)


def pseudo_label(
    logits: Tensor,
    threshold: float | None,
    correct: Callable[[Tensor], Tensor] | None = None,
    weigh: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> PseudoLabel:
    """Label every pixel; all share one weight, the share of the *batch* (of all processes) that reaches ``threshold``.

    Args:
        logits: (B, C, H, W), any range.
        threshold: probability in [0, 1] from which a pixel counts as confident; None: every pixel does.
        correct: changes the probabilities (B, C, H, W) first.
        weigh: gives weights (B, H, W) in place of that one, from probabilities and labels (B, H, W).
    """
    probabilities = logits.float().softmax(dim=1)
    if correct is not None:
        probabilities = correct(probabilities)
    probability, label = probabilities.max(dim=1)
    confident = (
        probability.new_ones(()) if threshold is None else mean((probability >= threshold).float().mean())
    )
    weight = confident.expand(label.shape) if weigh is None else weigh(probability, label)
    return PseudoLabel(label, weight, confident)


def chained(*corrections: Callable[[Tensor], Tensor] | None) -> Callable[[Tensor], Tensor]:
    """All corrections of probabilities that are there, one after another."""

    def correct(probabilities: Tensor) -> Tensor:
        for correction in corrections:
            probabilities = probabilities if correction is None else correction(probabilities)
        return probabilities

    return correct


def ignore_pixels(weight: Tensor, top: int, bottom: int, valid: Tensor | None) -> Tensor:
    """Weight 0 for untrusted pixels; returns a new (B, H, W) tensor.

    Args:
        weight: (B, H, W).
        top, bottom: number of first and last rows of the crop to ignore; only meaningful where the crop is as
            high as the resized image. A number beyond H ignores everything.
        valid: (B, 1, H, W), non-zero where labels may be trusted, or None.

    Raises:
        ConfigError: rows and a mask are both given.
    """
    weight = weight.clone()
    if (top > 0 or bottom > 0) and valid is not None:
        raise ConfigError(
            'Pseudo-label pixels are ignored twice: uda.pseudo_weight_ignore_top/bottom and a '
            'valid_pseudo_mask of the data set (data.train.target.crop_pseudo_margins) are both given. Set '
            'the former to 0 or remove the latter.'
        )
    if top > 0:
        weight[:, :top] = 0
    if bottom > 0:
        weight[:, -bottom:] = 0
    if valid is not None:
        weight *= valid.squeeze(1).to(weight.dtype)
    return weight


@torch.no_grad()
def trusted_pseudo_label(
    logits: Tensor,
    threshold: float | None,
    top: int = 0,
    bottom: int = 0,
    valid: Tensor | None = None,
    correct: Callable[[Tensor], Tensor] | None = None,
    weigh: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> PseudoLabel:
    """:func:`pseudo_label` followed by :func:`ignore_pixels`; never synchronises with the device."""
    found = pseudo_label(logits, threshold, correct, weigh)
    return PseudoLabel(found.label, ignore_pixels(found.weight, top, bottom, valid), found.confident)


def mean_where(mask: Tensor, values: Tensor) -> Tensor:
    """Mean of ``values`` where ``mask`` (bool, the same shape), 0 if that is nowhere; a scalar.

    Of several processes: a term whose mean over them is that mean (:func:`mmseg.models.global_batch.denominator`).
    """
    return values.masked_fill(~mask, 0.0).sum() / denominator(mask.sum())
