"""One training step of DAFormer: ours, and the same step written plainly.

Source: docs/methods/self-training.md#one-iteration.
"""

import copy
import statistics
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from torch import Tensor

from benchmarks import reference
from benchmarks.settings import OPTIMIZER, Settings, training_config
from benchmarks.timing import Comparison, compare, seconds
from mmseg.batch import Batch
from mmseg.config.translate import train_settings
from mmseg.engine.build import build_trainable
from mmseg.engine.optimizer import build_optimizer, parameter_options
from mmseg.uda.augmentation import JitterStrength, Strong, apply_strong
from mmseg.uda.draws import Draws, draw_strong
from mmseg.uda.feature_distance import FeatureDistance
from mmseg.uda.self_training import DACS

NORMALISATION = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375]}


def training_step(settings: Settings) -> list[Comparison]:
    """Compare whole steps and, for ours, measure what each part takes."""
    config = training_config(settings.encoder)
    fast = build_trainable(train_settings(config), settings.device)
    assert isinstance(fast, DACS)
    plain = copy.deepcopy(fast)
    batch = random_batch(settings)
    wrapper = build_optimizer(fast, OPTIMIZER)
    stepper = PlainStep(plain, config['uda'])

    def ours() -> dict[str, Tensor]:
        torch.manual_seed(fast.iteration)
        return fast.train_step(batch, wrapper)

    def theirs() -> dict[str, float]:
        torch.manual_seed(plain.iteration)
        with patch.object(F, 'scaled_dot_product_attention', _plain_attention):
            return stepper(batch)

    first, second = ours(), theirs()
    difference = max(abs(float(first[name]) - value) for name, value in second.items() if value == value)
    sizes = f'{settings.batch} + {settings.batch} crops of {settings.size}x{settings.size}'
    name = f'DAFormer step, {settings.encoder}, {sizes}'
    result = compare(name, ours, theirs, settings.rounds, settings.device, difference)
    return [replace(result, parts_ms=_split(fast, wrapper, batch, settings))]


def _plain_attention(query: Tensor, key: Tensor, value: Tensor, dropout_p: float = 0.0) -> Tensor:
    return reference.attention(query, key, value, dropout_p)


def random_batch(settings: Settings) -> Batch:
    shape = (settings.batch, 3, settings.size, settings.size)
    cells = torch.randint(0, 19, (settings.batch, 1, settings.size // 32, settings.size // 32))
    label = cells.repeat_interleave(32, 2).repeat_interleave(32, 3)
    metas = [{'img_norm_cfg': NORMALISATION}] * settings.batch
    return {
        'img': torch.randn(shape).to(settings.device),
        'gt_semantic_seg': label.to(settings.device),
        'img_metas': metas,
        'target_img': torch.randn(shape).to(settings.device),
        'target_img_metas': metas,
    }


def _split(method: DACS, wrapper: OptimWrapper, batch: Batch, settings: Settings) -> dict[str, float]:
    """Our step again, part by part: median milliseconds by name."""
    runs = [_timed_parts(method, wrapper, batch, settings) for _ in range(settings.rounds)]
    return {name: 1e3 * statistics.median(run[name] for run in runs) for name in runs[0]}


def _timed_parts(method: DACS, wrapper: OptimWrapper, batch: Batch, settings: Settings) -> dict[str, float]:
    wrapper.zero_grad()
    groups = method.loss_groups(batch)
    found: dict[str, Any] = {}

    def advance() -> None:
        found['group'] = next(groups)

    def backward() -> None:
        wrapper.backward(found['group'].total())

    parts = {
        'teacher update, source forward, feature distance': seconds(advance, settings.device),
        'source backward': seconds(backward, settings.device),
        'pseudo-labels, mixing, augmentation, mixed forward': seconds(advance, settings.device),
        'mixed backward': seconds(backward, settings.device),
        'optimiser': seconds(wrapper.step, settings.device),
    }
    method.iteration += 1
    return parts


class PlainStep:
    """The published order of things, one thing at a time.

    The networks are ours, with the matrix of attention weights in memory (:func:`reference.attention`); everything
    around them is written out: two backward passes through the source graph, values read back after each part.
    """

    def __init__(self, method: DACS, options: dict[str, Any]) -> None:
        self.method, self.options = method, options
        groups = {
            name: {'lr': lr, 'weight_decay': decay}
            for name, lr, decay in parameter_options(method, OPTIMIZER)
        }
        self.optimizer = reference.optimizer(method.named_parameters(), groups.__getitem__, OPTIMIZER['lr'])

    def __call__(self, batch: Batch) -> dict[str, float]:
        """One step; returns the logged values by name."""
        method = self.method
        draws = Draws(method.seed, method.iteration)
        self.optimizer.zero_grad()
        assert method.teacher is not None
        reference.update_teacher(method.teacher, method.student, method.iteration, 0.999)
        logged = self._source(batch)
        logits = method.teacher.generate_pseudo_label(batch['target_img']).detach()
        probability, pseudo = logits.softmax(dim=1).max(dim=1)
        confident = (probability >= self.options['pseudo_threshold']).sum().item() / probability.numel()
        image, label, weight = self._mix(batch, pseudo, confident, draws)
        output = method.student.forward_train(image, label, weight=weight)
        output.losses['decode.loss_seg'].backward()
        logged |= {f'mix.{name}': value.item() for name, value in output.values().items()}
        self.optimizer.step()
        method.iteration += 1
        return logged

    def _source(self, batch: Batch) -> dict[str, float]:
        image, label = batch['img'], batch['gt_semantic_seg']
        output = self.method.student.forward_train(image, label)
        output.losses['decode.loss_seg'].backward(retain_graph=True)
        part = self.method.part(FeatureDistance)
        assert part is not None
        frozen = part.frozen.extract_feat(image)[-1].detach()
        features = output.views[0].features[-1]
        classes, min_ratio = (
            self.options[f'imnet_feature_dist_{key}'] for key in ('classes', 'scale_min_ratio')
        )
        mask = _downscaled(label, label.shape[-1] // features.shape[-1], classes, min_ratio)
        distance = (features - frozen).norm(dim=1)[mask].mean() * self.options['imnet_feature_dist_lambda']
        distance.backward()
        logged = {name: value.item() for name, value in output.values().items()}
        return {**logged, 'src.loss_imnet_feat_dist': distance.item()}

    def _mix(
        self, batch: Batch, pseudo: Tensor, confident: float, draws: Draws
    ) -> tuple[Tensor, Tensor, Tensor]:
        source_label = batch['gt_semantic_seg']
        mask = reference.mix_masks(source_label, draws.mix_classes(source_label)).long()
        image = mask * batch['img'] + (1 - mask) * batch['target_img']
        label = mask * source_label + (1 - mask) * pseudo[:, None]
        weight = (mask * 1.0 + (1 - mask) * confident)[:, 0]
        strong = draw_strong(
            draws,
            len(image),
            JitterStrength.parse(self.options['color_jitter_strength']),
            self.options['color_jitter_probability'],
            blur=True,
        )
        mean, std = (torch.tensor(NORMALISATION[key], device=image.device) for key in ('mean', 'std'))
        image = apply_strong(image, Strong(jitter=strong.jitter), mean, std)
        return (image if strong.sigmas is None else reference.blur(image, strong.sigmas)), label, weight


def _downscaled(label: Tensor, cell: int, classes: list[int], min_ratio: float) -> Tensor:
    """Bool (B, h, w): cells of a thing class, by one-hot planes and average pooling.

    Source: docs/methods/self-training.md#imagenet-feature-distance.
    """
    planes = F.one_hot(label[:, 0].masked_fill(label[:, 0] == 255, 19), 20).permute(0, 3, 1, 2).float()
    share, winner = F.avg_pool2d(planes, cell).max(dim=1)
    things = torch.tensor(classes, device=label.device)
    return torch.isin(winner, things) & (share >= min_ratio)
