"""Instance-level consistency as a part of the self-training step (DIDA; Yao and Li, arXiv:2307.07972)."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.detail_crop import Box, crop, shrink
from mmseg.models.global_batch import denominator
from mmseg.models.precision import autocast
from mmseg.models.segmentors.outputs import Prediction, SegmentorOutput
from mmseg.registry import PARTS
from mmseg.uda.augmentation import JitterStrength, Strong, apply_strong, normalisation
from mmseg.uda.instance_bank.bank import InstanceBank
from mmseg.uda.instance_bank.grid import Grid
from mmseg.uda.instance_bank.instances import Instances, collect_instances
from mmseg.uda.instance_bank.loss import Form, Target, instance_loss
from mmseg.uda.instance_bank.options import BankOptions
from mmseg.uda.instance_bank.similarity import Rows, Similarity, class_similarity, gathered_sum
from mmseg.uda.part import Contribution, Part, Step
from mmseg.uda.pseudo_label import PseudoLabel

if TYPE_CHECKING:
    from mmseg.uda.adaptation import Adaptation

FULL_CHECK_INTERVAL = 50
"""Iterations between two looks at whether a bank that fills itself is full; each look waits for the device."""


@PARTS.register_module()
class InstanceConsistency(Part):
    """Bank, similarities and loss.

    Raises:
        ConfigError: without a target there is nothing to be consistent with.
    """

    Options = BankOptions
    gradient_name = 'Instance Grad.'
    options: BankOptions

    def __init__(self, options: BankOptions, host: 'Adaptation') -> None:
        super().__init__(options, host)
        if host.teacher is None:
            raise ConfigError(
                'uda.instance_bank compares target images with what a teacher sees there, but there is none (without '
                'uda.source_only, DACS has one). Leave the bank out.'
            )
        student = host.student
        self.num_classes, self.align_corners = student.num_classes, student.align_corners
        channels = student.decode_head.embedding_channels
        self.bank = InstanceBank.of_options(options, channels, student.num_classes)
        weak, strong = (
            Similarity(options.similarity, temperature, options.chunk)
            for temperature in (options.temp_weak, options.temp_strong)
        )
        self.form = Form(weak, strong, options.eps)

    def modules(self) -> dict[str, nn.Module]:
        """The bank, whose buffers are no part of the state dict."""
        return {'instances': nn.ModuleDict({'bank': self.bank})}

    def state(self) -> dict[str, Any]:
        """The bank."""
        return {'instances': self.bank.state()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore the bank."""
        if 'instances' in state:
            self.bank.load_state(state['instances'])

    def source(self, step: Step, output: SegmentorOutput) -> Contribution:
        """Fill or update the bank from the source images."""
        self.observe(output.embedding, step.batch['gt_semantic_seg'], step.iteration)
        return Contribution({})

    def observe(self, embedding: Tensor, label: Tensor, iteration: int) -> None:
        """Fill or update the bank from a source batch.

        Args:
            embedding: the student's, (B, D, h, w).
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
        return found if positions == 'batch' else found.of_all_processes()

    def look(self, step: Step) -> Prediction:
        """What the teacher sees on the target images, as they are or jittered a little, with its embedding."""
        image = step.batch['target_img']
        if self.options.weak_strength:
            jitter = step.draws.jitter(len(image), JitterStrength.parse(self.options.weak_strength), 'weak')
            image = apply_strong(
                image, Strong(jitter=jitter), *normalisation(self.host.normalisation, image.device)
            )
        # Not in inference mode, because the loss keeps the embedding for its backward pass.
        teacher = self.host.teacher
        assert teacher is not None
        return teacher.predict_with_embedding(image, self.options.detail)

    def correct(self, step: Step) -> Callable[[Tensor], Tensor] | None:
        """Scatter: similarities correct the probabilities; not if alpha is 1, nor while the bank is filling."""
        assert step.view is not None
        return self.correction(step.view)

    def correction(self, view: Prediction) -> Callable[[Tensor], Tensor] | None:
        """See :meth:`correct`, for what the teacher sees."""
        alpha = self.options.alpha

        def correct(probability: Tensor) -> Tensor:
            with autocast(probability, 'fp32'):
                embedding, rows = self._comparable(view.embedding)
                grid = Grid(_size(embedding), _size(probability), self.align_corners)
                scattered = class_similarity(embedding, rows, grid, self.form.weak)
            kept = probability if self.options.scatter == 'add' else alpha * probability
            return torch.where(self._ready(), kept + (1 - alpha) * scattered, probability)

        return None if alpha == 1 else correct

    def mixed(self, step: Step, output: SegmentorOutput) -> Contribution:
        """Loss and what is logged beside it."""
        weak, pseudo, pasted = step.view, step.pseudo, step.pasted
        assert weak is not None
        assert pseudo is not None
        assert pasted is not None
        probability = weak.logits.softmax(dim=1)
        with autocast(probability, 'fp32'):
            scores = self._scores(output.logits.detach(), probability)
            scattered = self._scattered(weak.embedding)
            counts = self._counts(pseudo, pasted) * self._ready()
            weight = counts * self._trust(scattered, probability, pseudo)
            terms = [
                self._term(strong, teacher, box, scores, torch.cat([counts, weight], 1))
                for strong, teacher, box in self._views(output, weak)
            ]
            loss = self.options.loss_weight * torch.stack(terms).mean()
            logged = self._watched(scattered, probability, pseudo.label)
            if self.options.pixel_weight == 'agreement':
                logged['instance.trust'] = weight.sum() / denominator(counts.sum())
            if self.options.gather == 'mix_logits':
                logged['instance.negative'] = self._negative(weak.embedding, output.logits.detach())
        return Contribution({'instance.loss_in': loss}, logged)

    def _views(
        self, student: SegmentorOutput, weak: Prediction
    ) -> Iterator[tuple[Tensor, Tensor, Box | None]]:
        """Embeddings of student and teacher that show the same part of the image, which is the third."""
        yield student.embedding, weak.embedding, None
        if not self.options.detail or student.detail is None or weak.detail is None:
            return
        box, canvas = student.detail.box, weak.detail
        if box is not None:
            canvas = crop(canvas, shrink(box, (box[1] - box[0]) / student.detail.map.shape[2]))
        yield student.detail.map, canvas, box

    def _term(
        self, strong: Tensor, teacher: Tensor, box: Box | None, scores: Tensor | None, weight: Tensor
    ) -> Tensor:
        """Of one view; ``weight`` (B, 2, H, W): which pixels count, and how much each."""
        if box is not None:
            scores, weight = None if scores is None else crop(scores, box), crop(weight, box)
        coarse = _size(strong)
        if self.options.resolution == 'native':
            scores = None if scores is None else F.interpolate(scores, coarse, mode='bilinear')
            weight = F.interpolate(weight, coarse, mode='nearest')
        strong, rows = self._comparable(strong)
        weak, _ = self._comparable(teacher.detach())
        grid = Grid(coarse, _size(weight), self.align_corners)
        counts, weight = weight.split(1, dim=1)
        return instance_loss(strong, Target(weak, scores, weight, counts.sum()), rows, grid, self.form)

    def _scores(self, logits: Tensor, probability: Tensor) -> Tensor | None:
        """What is gathered, (B, C, H, W)."""
        if self.options.gather == 'none':
            return None
        if self.options.gather == 'teacher_prob':
            return probability
        return Grid(_size(logits), _size(probability), self.align_corners).up(_precise(logits))

    def _scattered(self, weak: Tensor) -> Tensor:
        """Similarities of what the teacher sees, summed by class, on the grid of the embedding (B, C, h, w)."""
        weak, rows = self._comparable(weak.detach())
        coarse = _size(weak)
        return class_similarity(weak, rows, Grid(coarse, coarse), self.form.weak)

    def _trust(self, scattered: Tensor, probability: Tensor, pseudo: PseudoLabel) -> Tensor:
        """How much each pixel counts, in [0, 1]: (B, 1, H, W), or 1."""
        if self.options.pixel_weight == 'equal':
            return torch.ones_like(pseudo.weight).unsqueeze(1)
        grid = Grid(_size(scattered), _size(probability), self.align_corners)
        label = pseudo.label.unsqueeze(1)
        agreement = grid.up(scattered).gather(1, label).clamp(0, 1)
        return pseudo.weight.unsqueeze(1) * probability.gather(1, label) * agreement

    def _counts(self, pseudo: PseudoLabel, pasted: Tensor) -> Tensor:
        """(B, 1, H, W), 1 where there is a loss."""
        if self.options.pixel_mask == 'all':
            counts = torch.ones_like(pasted)
        elif self.options.pixel_mask == 'target':
            counts = ~pasted
        else:
            counts = ~pasted & (pseudo.weight > 0).unsqueeze(1)
        return counts.to(pseudo.weight.dtype)

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
    def _watched(self, scattered: Tensor, probability: Tensor, label: Tensor) -> dict[str, Tensor]:
        """Log values, measured on the grid of the embedding, which costs little.

        Returns:
            'instance.entropy' of the similarities calibrated by the teacher's probabilities, summed by class, from
            0 (certain) to 1 (all classes alike); 'instance.agreement', share of pixels where pseudo-label and
            label of the largest similarity are the same; 'instance.bank_fill', share of filled rows, and, while
            the bank is filling, that of each class as 'instance.fill_ID'.
        """
        coarse, dtype = _size(scattered), scattered.dtype
        semantic = F.interpolate(label.unsqueeze(1).to(dtype), coarse, mode='nearest').squeeze(1)
        share = scattered * F.interpolate(probability.to(dtype), coarse, mode='bilinear')
        share = share.clamp(min=torch.finfo(dtype).tiny)
        share = share / share.sum(1, keepdim=True)
        entropy = -(share * share.log()).sum(1).mean() / math.log(max(self.num_classes, 2))
        logged = {
            'instance.entropy': entropy,
            'instance.agreement': (scattered.argmax(1) == semantic).to(dtype).mean(),
            'instance.bank_fill': self.bank.fill_share(),
        }
        if not self.bank.known_full:
            shares = self.bank.fill_of_classes().unbind()
            logged |= {
                f'instance.fill_{c}': share for c, share in zip(self.bank.classes, shares, strict=True)
            }
        return logged

    @torch.no_grad()
    def _negative(self, weak: Tensor, logits: Tensor) -> Tensor:
        """'instance.negative': share of pixels, on the grid of the embedding, whose gathered similarities sum to less
        than 0. Divided by that sum, what should attract repels and the other way round
        (docs/methods/dida.md#one-training-step step 16)."""
        weak, rows = self._comparable(weak)
        scores = F.interpolate(_precise(logits), _size(weak), mode='bilinear')
        return (gathered_sum(weak, rows, scores) < 0).to(weak.dtype).mean()


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[2], x.shape[3]


def _precise(x: Tensor) -> Tensor:
    """At least float32."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
