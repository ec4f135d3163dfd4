"""Adversarial adaptation in output space: the method 'AdvSeg' (AdaptSegNet: Tsai et al., CVPR 2018,
arXiv:1802.10349; docs/methods/advseg.md).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.batch import Batch
from mmseg.models.guard import Rollback
from mmseg.models.segmentors.outputs import SegmentorOutput
from mmseg.options import Amount
from mmseg.registry import MODELS
from mmseg.uda.adaptation import Adaptation
from mmseg.uda.masking import MaskedConsistency
from mmseg.uda.min_entropy import check_no_valid_mask
from mmseg.uda.options import AdaptationOptions, head_weights, weight_problems
from mmseg.uda.part import Part, Step
from mmseg.uda.pictures import Arrays, Layout, Rows, discriminator_rows
from mmseg.uda.trainable import LossGroup

SOURCE, TARGET = 0.0, 1.0
"""What the discriminator should answer."""

DOMAIN_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    'LS': F.mse_loss,
    'Vanilla': F.binary_cross_entropy_with_logits,
}
"""``uda.discriminator_type``: least squares or cross entropy."""

BETAS = (0.9, 0.99)
"""Of the discriminator's Adam."""

Heads = dict[str, Tensor]
"""Predictions by head: 'main' and auxiliary ones."""


class FCDiscriminator(nn.Module):
    """Five strided convolutions that tell for each position which domain a prediction comes from.

    Args:
        num_classes: channels of a prediction.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(num_classes, 64, 4, stride=2, padding=1)
        self.conv2 = nn.Conv2d(64, 128, 4, stride=2, padding=1)
        self.conv3 = nn.Conv2d(128, 256, 4, stride=2, padding=1)
        self.conv4 = nn.Conv2d(256, 512, 4, stride=2, padding=1)
        self.classifier = nn.Conv2d(512, 1, 4, stride=2, padding=1)

    def forward(self, probability: Tensor) -> Tensor:
        """(B, num_classes, H, W), at least 32 x 32, -> (B, 1, H // 32, W // 32); higher: rather target."""
        x = probability
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = F.leaky_relu(layer(x), 0.2)
        answer: Tensor = self.classifier(x)
        return answer


@dataclass(frozen=True, kw_only=True)
class AdversarialOptions(AdaptationOptions):
    """Options of :class:`AdvSeg`, besides those of :class:`AdaptationOptions`.

    Attributes:
        lambda_adv_target: weight of the adversarial loss of the decode head's predictions under ``main``, of those of
            auxiliary heads under ``aux``; each head has a discriminator of its own. None of the published networks
            has an auxiliary head.
        discriminator_type: 'LS' or 'Vanilla', see :data:`DOMAIN_LOSSES`.
        lr_D, lr_D_power, lr_D_min: the discriminator's learning rate in iteration i is
            ``(lr_D - lr_D_min) * (1 - i / max_iters) ** lr_D_power + lr_D_min``.
    """

    lambda_adv_target: Mapping[str, float]
    discriminator_type: Literal['LS', 'Vanilla'] = 'LS'
    lr_D: Amount = 1e-4
    lr_D_power: Amount = 0.9
    lr_D_min: Amount = 0

    def conflicts(self) -> list[str]:
        """The weights."""
        return super().conflicts() + weight_problems('lambda_adv_target', self.lambda_adv_target)


class Discriminators(Part):
    """One for each head, with an optimiser of their own.

    Quirk: they are a part of the trained object, so the run's optimiser steps them as well, before their own Adam does.
    To leave them to Adam alone, set ``optimizer.paramwise_cfg.custom_keys.model_D`` to ``dict(lr_mult=0,
    decay_mult=0)``.
    """

    options: AdversarialOptions

    def __init__(self, options: AdversarialOptions, host: Adaptation) -> None:
        super().__init__(options, host)
        self.weights = head_weights('lambda_adv_target', options.lambda_adv_target, host.student.head_names)
        self.networks = nn.ModuleDict(
            {head: FCDiscriminator(host.student.num_classes) for head in self.weights}
        )
        self.adam = torch.optim.Adam(self.networks.parameters(), lr=options.lr_D, betas=BETAS)
        self.domain_loss = DOMAIN_LOSSES[options.discriminator_type]

    def modules(self) -> dict[str, nn.Module]:
        """The discriminators."""
        return {'model_D': self.networks}

    def fooled(self, logits: Heads) -> dict[str, Tensor]:
        """How far from the source the discriminators take the student's target predictions for."""
        return {
            f'G_trg.loss.{head}': self.weights[head] * self._distance(self._answer(head, value), SOURCE)
            for head, value in logits.items()
        }

    def taught(self, prefix: str, logits: Heads, domain: float) -> tuple[dict[str, Tensor], Tensor]:
        """Losses that teach where predictions come from, and the answer to those of the main head."""
        answers = {head: self._answer(head, value) for head, value in logits.items()}
        losses = {f'{prefix}.loss.{head}': self._distance(x, domain) / 2 for head, x in answers.items()}
        return losses, answers['main'].detach()

    def _answer(self, head: str, logits: Tensor) -> Tensor:
        """What a head's discriminator makes of its predictions; in float32."""
        answer: Tensor = self.networks[head](logits.softmax(dim=1))
        return answer

    def _distance(self, answer: Tensor, domain: float) -> Tensor:
        """How far the discriminator's answer is from ``domain``."""
        return self.domain_loss(answer, torch.full_like(answer, domain))

    def after_step(self, iteration: int, skipped: Tensor | None) -> None:
        """Step the own optimiser, after that of the run; where that one did not step, undo it.

        Only the optimiser's count of steps, which the host keeps, goes on.
        """
        rate, power, lowest = self.options.lr_D, self.options.lr_D_power, self.options.lr_D_min
        progress = iteration / self.host.max_iters
        for group in self.adam.param_groups:
            group['lr'] = (rate - lowest) * (1 - progress) ** power + lowest
        if skipped is None:
            self.adam.step()
            return
        weights = list(self.networks.parameters())
        for weight in weights:
            assert weight.grad is not None
            # For the first step, when there are no moments to go back to.
            weight.grad.masked_fill_(skipped, 0.0)
        moments = [state[name] for state in self.adam.state.values() for name in ('exp_avg', 'exp_avg_sq')]
        undo = Rollback([*weights, *moments])
        self.adam.step()
        undo.undo(skipped)

    def state(self) -> dict[str, Any]:
        """The optimiser."""
        return {'discriminator_optimizer': self.adam.state_dict()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore the optimiser."""
        self.adam.load_state_dict(state['discriminator_optimizer'])


@MODELS.register_module()
class AdvSeg(Adaptation):
    """Supervised on source images; predictions on target images should look like those on source images.

    Arguments: :class:`Adaptation` and :class:`AdversarialOptions`.
    """

    Options = AdversarialOptions
    options: AdversarialOptions

    def own_parts(self) -> list[Part]:
        """The discriminators."""
        self.judges = Discriminators(self.options, self)
        return [self.judges]

    def loss_groups(self, batch: Batch) -> Iterator[LossGroup]:
        """Source, adversarial, masked; then the discriminators on both domains.

        Args:
            batch: source and target batch of at least 32 x 32 pixels (64 x 64 with two resolutions), see
                :class:`mmseg.batch.Batch`.
        """
        if self.part(MaskedConsistency) is None:
            check_no_valid_mask(batch, 'AdvSeg')
        step = self.begin(batch)
        judged: dict[str, Heads] = {}
        self.judges.networks.requires_grad_(False)
        yield self.source_pass(step, lambda output: judged.update(source=self._judged(output, batch['img'])))
        yield self._adversarial_pass(step, judged)
        yield from self.further_passes(step)
        self.judges.networks.requires_grad_(True)
        yield self._judging_pass('source', 'D_src', judged['source'], SOURCE)
        yield self._judging_pass('target', 'D_trg', judged['target'], TARGET)

    def _judged(self, output: SegmentorOutput, images: Tensor) -> Heads:
        """Predictions of a supervised pass by head, as the discriminators see them."""
        return _detached(self._compared({'main': output.logits, **output.auxiliary}, images))

    def _compared(self, logits: Mapping[str, Tensor], images: Tensor) -> Heads:
        return {head: self.student.domain_logits(value, images.shape[2:]) for head, value in logits.items()}

    def _adversarial_pass(self, step: Step, judged: dict[str, Heads]) -> LossGroup:
        """Fool the discriminators on target images; the predictions are added to ``judged``."""
        target = step.batch['target_img']
        raw, seen = self.student.forward_logits(target, step.draws)
        logits = self._compared(raw, target)
        judged['target'] = _detached(logits)
        shown = self.shown(lambda: {'img': target, 'logits': judged['target']['main'], **seen()})
        return LossGroup(self.judges.fooled(logits), name='adversarial', seen=shown)

    def _judging_pass(self, name: str, prefix: str, logits: Heads, domain: float) -> LossGroup:
        """Teach the discriminators where predictions come from."""
        losses, answer = self.judges.taught(prefix, logits, domain)
        shown = self.shown(lambda: {'logits': logits['main'], 'answer': answer})
        return LossGroup(losses, name=f'discriminator_{name}', seen=shown)

    def layout(self) -> Layout:
        """Source and target with the discriminators' answers, and panels of the parts."""
        groups = ('source', 'adversarial', 'discriminator_source', 'discriminator_target')
        scales = (('Source', 'source', False), ('Target', 'adversarial', False))
        return Layout(groups, 'debug', 3, self._rows, scales)

    def _rows(self, groups: Mapping[str, Arrays], j: int) -> Rows:
        return self.with_parts(discriminator_rows(groups, j), groups, j)


def _detached(logits: Heads) -> Heads:
    return {head: value.detach() for head, value in logits.items()}
