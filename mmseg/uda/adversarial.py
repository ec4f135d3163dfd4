"""Adversarial adaptation in output space: the method 'AdvSeg' (AdaptSegNet: Tsai et al., CVPR 2018,
arXiv:1802.10349; docs/methods/advseg.md).
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.models.draws import process_rank
from mmseg.models.guard import Rollback
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.models.trainable import Average, Batch, LossGroup, Trainable
from mmseg.registry import MODELS
from mmseg.uda.augmentation import JitterStrength
from mmseg.uda.draws import Draws, DrawSource
from mmseg.uda.masking import MaskOptions, build_masking
from mmseg.uda.min_entropy import check_no_valid_mask
from mmseg.uda.options import (
    SelfTrainingOptions,
    head_weights,
    raise_problems,
    range_problems,
    weight_problems,
)

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


@MODELS.register_module()
class AdvSeg(Trainable):
    """Supervised on source images; predictions on target images should look like those on source images.

    Quirk: the discriminator is a part of the trained object, so the run's optimiser steps it as well, before its own
    Adam does. To leave it to Adam alone, set ``optimizer.paramwise_cfg.custom_keys.model_D`` to
    ``dict(lr_mult=0, decay_mult=0)``.

    Args:
        model: configuration of the segmentor.
        max_iters: length of the run, over which the discriminator's learning rate decays.
        lambda_adv_target: weight of the adversarial loss of the decode head's predictions under ``main``, of those of
            auxiliary heads under ``aux``; each head has a discriminator of its own. None of the published networks
            has an auxiliary head.
        discriminator_type: 'LS' or 'Vanilla', see :data:`DOMAIN_LOSSES`.
        lr_D, lr_D_power, lr_D_min: the discriminator's learning rate in iteration i is
            ``(lr_D - lr_D_min) * (1 - i / max_iters) ** lr_D_power + lr_D_min``.
        debug_img_interval, alpha, pseudo_threshold, pseudo_weight_ignore_top, pseudo_weight_ignore_bottom, blur,
            color_jitter_strength, color_jitter_probability, mask_mode, mask_alpha, mask_pseudo_threshold, mask_lambda,
            mask_generator, mask_lambda_all: see :class:`mmseg.uda.min_entropy.MinEnt`.

    Attributes:
        draws: makes the random decisions of a step from (seed, rank, iteration).

    Raises:
        ConfigError: a value is out of range; all problems are listed.
    """

    model: EncoderDecoder

    def __init__(
        self, model: Mapping[str, Any], max_iters: int, lambda_adv_target: Mapping[str, float],
        discriminator_type: str = 'LS', lr_D: float = 1e-4, lr_D_power: float = 0.9, lr_D_min: float = 0,
        debug_img_interval: int = 1000, alpha: float = 0.999, pseudo_threshold: float = 0.968,
        pseudo_weight_ignore_top: int = 0, pseudo_weight_ignore_bottom: int = 0, blur: bool = True,
        color_jitter_strength: float | Mapping[str, float] = 0.2, color_jitter_probability: float = 0.2,
        mask_mode: str | None = None, mask_alpha: float | str = 'same',
        mask_pseudo_threshold: float | str | None = 'same', mask_lambda: float = 0,
        mask_generator: Mapping[str, Any] | None = None, mask_lambda_all: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        options = SelfTrainingOptions(
            alpha,
            pseudo_threshold,
            (pseudo_weight_ignore_top, pseudo_weight_ignore_bottom),
            JitterStrength.parse(color_jitter_strength),
            color_jitter_probability,
        )
        masking = MaskOptions(
            mask_mode, mask_alpha, mask_pseudo_threshold, mask_lambda, mask_generator, mask_lambda_all
        )
        problems = range_problems(lr_D=lr_D, lr_D_power=lr_D_power, lr_D_min=lr_D_min)
        problems += options.problems() + masking.problems()
        problems += weight_problems('lambda_adv_target', lambda_adv_target)
        if discriminator_type not in DOMAIN_LOSSES:
            known = ' or '.join(map(repr, DOMAIN_LOSSES))
            problems.append(f'uda.discriminator_type is {discriminator_type!r}; expected {known}')
        raise_problems(problems)
        self.domain_loss = DOMAIN_LOSSES[discriminator_type]
        self.rate = (lr_D, lr_D_power, lr_D_min)
        self.max_iters = max_iters
        self.draws: DrawSource = Draws
        self.model = MODELS.build(copy.deepcopy(model))
        self.weights = head_weights('lambda_adv_target', lambda_adv_target, self.model.head_names)
        self.model_D = nn.ModuleDict({head: FCDiscriminator(self.model.num_classes) for head in self.weights})
        self.mic = build_masking(masking, options, model, self.model, require_teacher=True)
        self.adam = torch.optim.Adam(self.model_D.parameters(), lr=lr_D, betas=BETAS)

    def init_weights(self) -> None:
        """Load or draw the weights of the network and of the masking's teacher; the discriminator has torch's."""
        self.model.init_weights()
        if self.mic is not None:
            self.mic.init_weights()

    def loss_groups(self, batch: Batch) -> Iterator[LossGroup]:
        """Source, adversarial, masked; then the discriminator on both domains.

        Args:
            batch: source and target batch of at least 32 x 32 pixels (64 x 64 with two resolutions), see
                :data:`mmseg.models.trainable.Batch`.
        """
        if self.mic is None:
            check_no_valid_mask(batch, 'AdvSeg')
        else:
            self.mic.update(self.iteration)
        draws = self.draws(self.seed, process_rank(), self.iteration)
        source, target = batch['img'], batch['target_img']

        self.model_D.requires_grad_(False)
        output = self.model.forward_train(source, batch['gt_semantic_seg'], draws=draws)
        source_logits = _detached(self._compared({'main': output.logits, **output.auxiliary}, source))
        yield LossGroup(
            'source', output.losses, {'img': source, 'label': batch['gt_semantic_seg'], **output.seen}
        )
        del output  # frees what only its own backward pass needed

        raw, seen = self.model.forward_logits(target, draws)
        logits = self._compared(raw, target)
        target_logits = _detached(logits)
        fooled = {
            f'G_trg.loss.{head}': self.weights[head] * self._domain_loss(self._answer(head, value), SOURCE)
            for head, value in logits.items()
        }
        del raw, logits
        yield LossGroup('adversarial', fooled, {'img': target, 'logits': target_logits['main'], **seen})
        del fooled, seen

        if self.mic is not None:
            yield self.mic.masked(self.model, batch, None, draws)

        self.model_D.requires_grad_(True)
        yield self._discriminate('source', 'D_src', source_logits, SOURCE)
        yield self._discriminate('target', 'D_trg', target_logits, TARGET)

    def _compared(self, logits: Mapping[str, Tensor], images: Tensor) -> Heads:
        """Predictions of each head as the discriminators see them."""
        return {head: self.model.domain_logits(value, images.shape[2:]) for head, value in logits.items()}

    def _discriminate(self, name: str, prefix: str, logits: Heads, domain: float) -> LossGroup:
        """Teach the discriminators where predictions come from."""
        answers = {head: self._answer(head, value) for head, value in logits.items()}
        losses = {
            f'{prefix}.loss.{head}': self._domain_loss(answer, domain) / 2 for head, answer in answers.items()
        }
        seen = {'logits': logits['main'], 'answer': answers['main'].detach()}
        return LossGroup(f'discriminator_{name}', losses, seen)

    def _answer(self, head: str, logits: Tensor) -> Tensor:
        """What a head's discriminator makes of its predictions; in float32."""
        answer: Tensor = self.model_D[head](logits.softmax(dim=1))
        return answer

    def _domain_loss(self, answer: Tensor, domain: float) -> Tensor:
        """How far the discriminator's answer is from ``domain``."""
        return self.domain_loss(answer, torch.full_like(answer, domain))

    def after_step(self, skipped: Tensor | None = None) -> None:
        """Step the discriminator's own optimiser, after that of the run; where that one did not step, undo it.

        Only the optimiser's count of steps, which the host keeps, goes on.
        """
        rate, power, lowest = self.rate
        progress = self.iteration / self.max_iters
        for group in self.adam.param_groups:
            group['lr'] = (rate - lowest) * (1 - progress) ** power + lowest
        if skipped is None:
            self.adam.step()
            return
        weights = list(self.model_D.parameters())
        for weight in weights:
            assert weight.grad is not None
            weight.grad.masked_fill_(
                skipped, 0.0
            )  # for the first step, when there are no moments to go back to
        moments = [state[name] for state in self.adam.state.values() for name in ('exp_avg', 'exp_avg_sq')]
        undo = Rollback([*weights, *moments])
        self.adam.step()
        undo.undo(skipped)

    def averages(self) -> list[Average]:
        """The teacher of masking."""
        return [] if self.mic is None else [*self.mic.averages()]

    def training_state(self) -> dict[str, Any]:
        """Adds the discriminator's optimiser."""
        return {**super().training_state(), 'discriminator_optimizer': self.adam.state_dict()}

    def load_training_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`training_state` returned."""
        super().load_training_state(state)
        self.adam.load_state_dict(state['discriminator_optimizer'])


def _detached(logits: Heads) -> Heads:
    return {head: value.detach() for head, value in logits.items()}
