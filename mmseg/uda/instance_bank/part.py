"""Instance-level consistency as a part of the self-training step (DIDA; Yao and Li, arXiv:2307.07972)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.models.detail_crop import Box, crop
from mmseg.models.precision import autocast
from mmseg.uda.augmentation import JitterStrength, Strong, apply_strong
from mmseg.uda.draws import draw_jitter
from mmseg.uda.instance_bank.bank import InstanceBank
from mmseg.uda.instance_bank.grid import Grid
from mmseg.uda.instance_bank.instances import Instances, collect_instances
from mmseg.uda.instance_bank.loss import Form, Target, instance_loss
from mmseg.uda.instance_bank.options import BankOptions
from mmseg.uda.instance_bank.similarity import Rows, Similarity, class_similarity

FULL_CHECK_INTERVAL = 50
"""Iterations between two looks at whether a bank that fills itself is full; each look waits for the device."""


@dataclass(frozen=True)
class Seen:
    """One view of an image by one network.

    Attributes:
        embedding: (B, D, h, w), of the whole image or of ``box``.
        box: in pixels of the image.
    """

    embedding: Tensor
    box: Box | None = None


@dataclass(frozen=True)
class Confidence:
    """Which pixels of the mixed images have an instance loss, and what the teacher says there.

    Attributes:
        probability: the teacher's, (B, C, H, W).
        label: pseudo-label (B, H, W).
        weight: of the pseudo-label, (B, H, W).
        pasted: bool (B, 1, H, W), pixels of the source image.
    """

    probability: Tensor
    label: Tensor
    weight: Tensor
    pasted: Tensor


class InstanceConsistency(nn.Module):
    """Bank, similarities and loss.

    Args:
        config: ``uda.instance_bank``, see :class:`BankOptions`.
        channels: D of the embeddings.
        num_classes: C.
        align_corners: of the decoder's resizes.
    """

    def __init__(
        self, config: Mapping[str, Any], channels: int, num_classes: int, align_corners: bool = False
    ) -> None:
        super().__init__()
        self.options = options = BankOptions.parse(config)
        self.num_classes = num_classes
        self.align_corners = align_corners
        self.bank = InstanceBank.of_options(options, channels, num_classes)
        weak, strong = (
            Similarity(options.similarity, temperature, options.chunk)
            for temperature in (options.temp_weak, options.temp_strong)
        )
        self.form = Form(weak, strong, options.eps)

    def observe(self, embedding: Tensor, label: Tensor, iteration: int) -> None:
        """Fill or update the bank from a source batch.

        Args:
            embedding: the student's, (B, D, h, w), without gradient.
            label: (B, 1, H, W).
            iteration: number of the step.
        """
        options = self.options
        embedding = _precise(embedding.detach())
        if not self.bank.known_full:
            if iteration % FULL_CHECK_INTERVAL == 0:
                self.bank.check_full()
            self.bank.put(self._instances(embedding, label, 'image'), only_empty=True)
        if options.update == 'none' or iteration % options.update_interval:
            return
        found = self._instances(embedding, label, options.positions)
        if options.update == 'ema':
            self.bank.average(found, options.momentum, options.absent, options.ema_rows == 'one')
        elif self.bank.known_full:
            self.bank.put(found, only_empty=False)

    def _instances(self, embedding: Tensor, label: Tensor, positions: str) -> Instances:
        grid = Grid(_size(embedding), _size(label), self.align_corners)
        boundary = self.options.bps_threshold if self.options.pixels == 'boundary' else 0
        with autocast(embedding, 'fp32'):
            found = collect_instances(embedding, label, self.num_classes, grid, positions, boundary)
        return found.of_all_processes()

    def weak_view(self, image: Tensor, mean: Tensor, std: Tensor, stream: np.random.Generator) -> Tensor:
        """What the teacher is shown: the target image (B, 3, H, W) itself, or a jittered copy."""
        if not self.options.weak_strength:
            return image
        jitter = draw_jitter(stream, len(image), JitterStrength.parse(self.options.weak_strength))
        return apply_strong(image, Strong(jitter=jitter), mean, std)

    @torch.no_grad()
    def correct(self, probability: Tensor, embedding: Tensor) -> Tensor:
        """Semantic probabilities (B, C, H, W) corrected by the similarities of each class: scatter.

        With alpha 1 they come back as they are; so they do while the bank is filling.
        """
        alpha = self.options.alpha
        if alpha == 1:
            return probability
        with autocast(probability, 'fp32'):
            embedding, rows = self._comparable(embedding)
            grid = Grid(_size(embedding), _size(probability), self.align_corners)
            scattered = class_similarity(embedding, rows, grid, self.form.weak)
        if self.options.scatter == 'add':
            corrected = probability + (1 - alpha) * scattered
        else:
            corrected = alpha * probability + (1 - alpha) * scattered
        return torch.where(self._ready(), corrected, probability)

    def losses(
        self, strong: Sequence[Seen], weak: Sequence[Seen], logits: Tensor, found: Confidence
    ) -> dict[str, Tensor]:
        """Loss and what is logged beside it.

        Args:
            strong: the student's views of the mixed image; the loss is their mean.
            weak: the teacher's views of the target image, with the same boxes.
            logits: the student's on the mixed image, (B, C, h', w').
            found: what is known about the pixels.
        """
        size = _size(found.probability)
        with autocast(logits, 'fp32'):
            scores = self._scores(logits.detach(), found.probability, size)
            weight = self._weight(found) * self._ready()
            terms = [
                self._term(student, teacher.embedding, scores, weight)
                for student, teacher in zip(strong, weak, strict=True)
            ]
            loss = self.options.loss_weight * torch.stack(terms).mean()
            return {'instance.loss_in': loss, **self._watched(weak[0].embedding, found)}

    def _term(self, student: Seen, teacher: Tensor, scores: Tensor | None, weight: Tensor) -> Tensor:
        box = student.box
        if box is not None:
            scores, weight = None if scores is None else crop(scores, box), crop(weight, box)
        coarse = _size(student.embedding)
        if self.options.resolution == 'native':
            scores = None if scores is None else F.interpolate(scores, coarse, mode='bilinear')
            weight = F.interpolate(weight, coarse, mode='nearest')
        strong, rows = self._comparable(student.embedding)
        weak, _ = self._comparable(teacher.detach())
        grid = Grid(coarse, _size(weight), self.align_corners)
        return instance_loss(strong, Target(weak, scores, weight), rows, grid, self.form)

    def _scores(self, logits: Tensor, probability: Tensor, size: tuple[int, int]) -> Tensor | None:
        """What is gathered, (B, C, H, W)."""
        if self.options.gather == 'none':
            return None
        if self.options.gather == 'teacher_prob':
            return probability
        return Grid(_size(logits), size, self.align_corners).up(_precise(logits))

    def _weight(self, found: Confidence) -> Tensor:
        """(B, 1, H, W), 1 where there is a loss."""
        if self.options.pixel_mask == 'all':
            return torch.ones_like(found.probability[:, :1])
        counts = ~found.pasted
        if self.options.pixel_mask == 'valid':
            counts = counts & (found.weight > 0).unsqueeze(1)
        return counts.to(found.probability.dtype)

    def _ready(self) -> Tensor:
        """Whether enough rows are filled, a bool scalar on the device."""
        return self.bank.fill_share() >= self.options.min_fill

    def _comparable(self, embedding: Tensor) -> tuple[Tensor, Rows]:
        """Embedding and rows, of unit length if that is asked for."""
        embedding, rows = _precise(embedding), self.bank.rows()
        if not self.options.normalise:
            return embedding, rows
        return F.normalize(embedding, dim=1), rows.normalised()

    @torch.no_grad()
    def _watched(self, weak: Tensor, found: Confidence) -> dict[str, Tensor]:
        """Log values, measured on the grid of the embedding, which costs little.

        Returns:
            'instance.entropy' of the calibrated weights, summed by class, relative to that of equal weights;
            'instance.agreement', share of pixels where semantic and instance label are the same;
            'instance.bank_fill', share of filled rows, and while that is below 1 the same by class.
        """
        weak, rows = self._comparable(weak)
        coarse = _size(weak)
        scattered = class_similarity(weak, rows, Grid(coarse, coarse), self.form.weak)
        semantic = F.interpolate(found.label.unsqueeze(1).to(weak.dtype), coarse, mode='nearest').squeeze(1)
        probability = F.interpolate(found.probability.to(weak.dtype), coarse, mode='bilinear')
        calibrated = (scattered * probability).clamp(min=torch.finfo(weak.dtype).tiny)
        calibrated = calibrated / calibrated.sum(1, keepdim=True)
        entropy = -(calibrated * calibrated.log()).sum(1).mean() / np.log(max(self.num_classes, 2))
        logged = {
            'instance.entropy': entropy,
            'instance.agreement': (scattered.argmax(1) == semantic).to(weak.dtype).mean(),
            'instance.bank_fill': self.bank.fill_share(),
        }
        if not self.bank.known_full:
            shares = self.bank.fill_of_classes().unbind()
            logged |= {f'instance.fill_{c}': share for c, share in zip(self.bank.classes, shares, strict=True)}
        return logged


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[2], x.shape[3]


def _precise(x: Tensor) -> Tensor:
    """At least float32."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
