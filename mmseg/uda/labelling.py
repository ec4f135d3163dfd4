"""From what a teacher says to weighted pseudo-labels, with the options that published methods do not have."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mmseg.models.dropout import set_dropout
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.uda.asking import corrections, view
from mmseg.uda.class_prior import build_class_prior
from mmseg.uda.flip_average import flip_averaged
from mmseg.uda.options import AdaptationOptions
from mmseg.uda.part import Part, Step
from mmseg.uda.pixel_weight import build_pixel_weight
from mmseg.uda.pseudo_label import PseudoLabel, chained, trusted_pseudo_label
from mmseg.uda.teacher import MeanTeacher
from mmseg.uda.trainable import Average

if TYPE_CHECKING:
    from mmseg.uda.adaptation import Adaptation
    from mmseg.uda.self_training import SelfTrainingOptions


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
        options: AdaptationOptions,
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


class Teacher(Part):
    """The mean teacher of self-training: averages the student and labels target images.

    Args:
        options: of the method.
        host: the method.
    """

    options: 'SelfTrainingOptions'

    def __init__(self, options: 'SelfTrainingOptions', host: 'Adaptation') -> None:
        super().__init__(options, host)
        self.network: EncoderDecoder = MODELS.build(copy.deepcopy(host.model_cfg))
        self.average = MeanTeacher(self.network, host.student, options.alpha)
        prior, weight, flip = options.class_prior, options.pseudo_weight, options.pseudo_flip
        self.labelling = Labelling(options, host.student.num_classes, prior, weight, flip)

    def modules(self) -> dict[str, nn.Module]:
        """The network, and the running numbers of labelling."""
        return {'ema_model': self.network, 'labelling': self.labelling}

    def init_weights(self) -> None:
        """Load or draw the weights; iteration 0 overwrites them by the student's."""
        self.network.init_weights()

    def averages(self) -> list[Average]:
        """This one."""
        return [self.average]

    def after_mode(self) -> None:
        """No dropout in any mode; in training batch norms use the batch."""
        set_dropout(self.network, active=False)

    def before_step(self, step: Step) -> None:
        """Average."""
        self.average.update(step.iteration)

    @torch.no_grad()
    def label(self, step: Step) -> None:
        """Set the step's view of the target images and the pseudo-labels that come from it."""
        images, valid = step.batch['target_img'], step.batch.get('valid_pseudo_mask')
        special = view(self.host.parts, step)
        if special is None:
            with torch.inference_mode():
                found = self.network.predict_with_embedding(images)
        else:
            found = step.view = special
        correct = chained(*corrections(self.host.parts, step))
        pseudo = self.labelling(found.logits, images, self.network.generate_pseudo_label, valid, correct)
        step.pseudo = replace(pseudo, seen=step.shown(found.seen))
