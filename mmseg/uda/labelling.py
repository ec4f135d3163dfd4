"""From what a teacher says to weighted pseudo-labels, with the options that published methods do not have."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from mmseg.uda.class_prior import build_class_prior
from mmseg.uda.flip_average import flip_averaged
from mmseg.uda.options import SelfTrainingOptions
from mmseg.uda.pixel_weight import build_pixel_weight
from mmseg.uda.pseudo_label import PseudoLabel, chained, trusted_pseudo_label


class Labelling(nn.Module):
    """Makes pseudo-labels; without options as published, and without buffers.

    Args:
        options: of self-training; the threshold and the ignored rows are used.
        num_classes: C.
        class_prior: see :class:`mmseg.uda.class_prior.ClassPrior`, or None.
        weight: see :mod:`mmseg.uda.pixel_weight`.
        flip: average over mirror images.
    """

    def __init__(
        self,
        options: SelfTrainingOptions,
        num_classes: int,
        class_prior: Mapping[str, Any] | None,
        weight: str,
        flip: bool,
    ) -> None:
        super().__init__()
        self.options, self.flip = options, flip
        self.prior = build_class_prior(class_prior, num_classes)
        self.pixel_weight = build_pixel_weight(weight, options.pseudo_threshold, num_classes)

    def forward(
        self,
        logits: Tensor,
        images: Tensor,
        predict: Callable[[Tensor], Tensor],
        valid: Tensor | None,
        correct: Callable[[Tensor], Tensor] | None,
    ) -> PseudoLabel:
        """Labels and weights of target images.

        Args:
            logits: what the teacher says about them, (B, C, H, W).
            images: (B, 3, H, W).
            predict: the teacher, images to logits.
            valid: (B, 1, H, W), non-zero where labels may be trusted, or None.
            correct: changes the probabilities (B, C, H, W) before the class priors do, or None.
        """
        if self.flip:
            logits = flip_averaged(logits, images, predict)
        threshold, rows = self.options.pseudo_threshold, self.options.ignore_rows
        correct = chained(correct, self.prior)
        return trusted_pseudo_label(logits, threshold, *rows, valid, correct, self.pixel_weight)
