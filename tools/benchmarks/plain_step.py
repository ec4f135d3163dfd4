"""Training steps written plainly: the published order of things, one thing at a time.

Sources: docs/methods/self-training.md#one-iteration, docs/methods/mic.md#one-call,
docs/methods/dida.md#one-training-step.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks import reference
from benchmarks.instance_bank import dense_loss
from benchmarks.settings import NORMALISATION, OPTIMIZER
from mmseg.batch import Batch
from mmseg.engine.optimizer import parameter_options
from mmseg.models.segmentors.outputs import Prediction, SegmentorOutput
from mmseg.uda.augmentation import JitterStrength, Strong, apply_strong
from mmseg.uda.draws import Draws, draw_strong, draw_strong_mask
from mmseg.uda.feature_distance import FeatureDistance
from mmseg.uda.instance_bank.part import InstanceConsistency
from mmseg.uda.self_training import DACS


class PlainStep:
    """A step of DACS with feature distance, and with masks or an instance bank ('published') if the method has them.

    The networks are ours, with the matrix of attention weights in memory (:func:`reference.attention`); everything
    around them is written out: a backward pass for each loss, values read back after each part, one optimiser call a
    parameter.

    Args:
        method: is trained.
        options: ``uda`` of its configuration.
    """

    def __init__(self, method: DACS, options: dict[str, Any]) -> None:
        self.method, self.options = method, options
        groups = {
            name: {'lr': lr, 'weight_decay': decay}
            for name, lr, decay in parameter_options(self.method, OPTIMIZER)
        }
        self.optimizer = reference.optimizer(
            self.method.named_parameters(), groups.__getitem__, OPTIMIZER['lr']
        )
        self.bank = self.method.part(InstanceConsistency)

    def __call__(self, batch: Batch) -> dict[str, float]:
        """One step; returns the logged values by name."""
        with plain_attention():
            return self._step(batch)

    def _step(self, batch: Batch) -> dict[str, float]:
        method = self.method
        draws = Draws(method.seed, method.iteration)
        self.optimizer.zero_grad()
        assert method.teacher is not None
        reference.update_teacher(method.teacher, method.student, method.iteration, 0.999)
        logged = self._source(batch, draws)
        view = self._view(batch['target_img'])
        probability, pseudo = view.logits.softmax(dim=1).max(dim=1)
        confident = (probability >= self.options['pseudo_threshold']).sum().item() / probability.numel()
        image, label, weight = self._mix(batch, pseudo, confident, draws)
        output = method.student.forward_train(image, label, weight=weight, draws=draws)
        logged |= {f'mix.{name}': value.item() for name, value in output.values().items()}
        total(output).backward(retain_graph=self.bank is not None)
        if self.bank is not None:
            loss = self._instance_loss(self.bank, view, output, (label.shape[2], label.shape[3]))
            loss.backward()
            logged['instance.loss_in'] = loss.item()
        if self.options.get('mask_mode'):
            logged |= self._masked(batch, pseudo, confident, draws)
        self.optimizer.step()
        method.iteration += 1
        return logged

    def _source(self, batch: Batch, draws: Draws) -> dict[str, float]:
        image, label = batch['img'], batch['gt_semantic_seg']
        output = self.method.student.forward_train(image, label, draws=draws)
        if self.bank is not None:
            self.bank.observe(output.embedding, label, self.method.iteration)
        total(output).backward(retain_graph=True)
        part = self.method.part(FeatureDistance)
        assert part is not None
        view = output.views[0]
        frozen = part.frozen.extract_views(image, [view.box])[0][-1].detach()
        features = view.features[-1]
        classes, min_ratio = (
            self.options[f'imnet_feature_dist_{key}'] for key in ('classes', 'scale_min_ratio')
        )
        mask = downscaled(label, label.shape[-1] // features.shape[-1], classes, min_ratio)
        distance = (features - frozen).norm(dim=1)[mask].mean() * self.options['imnet_feature_dist_lambda']
        distance.backward()
        logged = {name: value.item() for name, value in output.values().items()}
        return {**logged, 'src.loss_imnet_feat_dist': distance.item()}

    @torch.no_grad()
    def _view(self, images: Tensor) -> Prediction:
        teacher = self.method.teacher
        assert teacher is not None
        if self.bank is not None:
            return teacher.predict_with_embedding(images)
        return Prediction(teacher.generate_pseudo_label(images), images)

    def _mix(
        self, batch: Batch, pseudo: Tensor, confident: float, draws: Draws
    ) -> tuple[Tensor, Tensor, Tensor]:
        source_label = batch['gt_semantic_seg']
        mask = reference.mix_masks(source_label, draws.mix_classes(source_label)).long()
        image = mask * batch['img'] + (1 - mask) * batch['target_img']
        label = mask * source_label + (1 - mask) * pseudo[:, None]
        weight = (mask * 1.0 + (1 - mask) * confident)[:, 0]
        return (
            self._augmented(image, draw_strong(draws, len(image), *self._jitter(), blur=True)),
            label,
            weight,
        )

    def _instance_loss(
        self, part: InstanceConsistency, view: Prediction, output: SegmentorOutput, size: tuple[int, int]
    ) -> Tensor:
        scores = F.interpolate(output.logits.detach(), size=size, mode='bilinear', align_corners=False)
        rows = part.bank.rows()
        weak, strong = view.embedding.float(), output.embedding.float()
        loss = dense_loss(weak, strong, rows.features, rows.labels, scores.float())
        return loss * part.options.loss_weight

    def _masked(self, batch: Batch, pseudo: Tensor, confident: float, draws: Draws) -> dict[str, float]:
        blocks, images = self.options['mask_generator'], batch['target_img']
        images = self._augmented(images, draw_strong_mask(draws, len(images), *self._jitter()))
        cells = [round(side / blocks['mask_block_size']) for side in images.shape[2:]]
        scores = draws.block_scores(len(images), cells[0], cells[1]).to(images.device)
        shown = F.interpolate((scores > blocks['mask_ratio']).float(), size=images.shape[2:], mode='nearest')
        weight = torch.full_like(pseudo, confident, dtype=torch.float32)
        output = self.method.student.forward_train(
            images * shown, pseudo[:, None], weight=weight, draws=draws
        )
        total(output).backward()
        return {f'masked.{name}': value.item() for name, value in output.values().items()}

    def _jitter(self) -> tuple[JitterStrength, float]:
        strength = JitterStrength.parse(self.options['color_jitter_strength'])
        return strength, self.options['color_jitter_probability']

    def _augmented(self, image: Tensor, strong: Strong) -> Tensor:
        mean, std = (torch.tensor(NORMALISATION[key], device=image.device) for key in ('mean', 'std'))
        image = apply_strong(image, Strong(jitter=strong.jitter), mean, std)
        return image if strong.sigmas is None else reference.blur(image, strong.sigmas)


def total(output: SegmentorOutput) -> Tensor:
    """Sum of the losses of a pass."""
    return torch.stack(list(output.losses.values())).sum()


def downscaled(label: Tensor, cell: int, classes: list[int], min_ratio: float) -> Tensor:
    """Bool (B, h, w): cells of a thing class, by one-hot planes and average pooling.

    Source: docs/methods/self-training.md#imagenet-feature-distance.
    """
    planes = F.one_hot(label[:, 0].masked_fill(label[:, 0] == 255, 19), 20).permute(0, 3, 1, 2).float()
    share, winner = F.avg_pool2d(planes, cell).max(dim=1)
    things = torch.tensor(classes, device=label.device)
    return torch.isin(winner, things) & (share >= min_ratio)


@contextmanager
def plain_attention() -> Iterator[None]:
    """Attention that keeps the matrix of its weights."""

    def attend(query: Tensor, key: Tensor, value: Tensor, dropout_p: float = 0.0) -> Tensor:
        return reference.attention(query, key, value, dropout_p)

    with patch.object(F, 'scaled_dot_product_attention', attend):
        yield
