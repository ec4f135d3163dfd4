"""Training steps: ours, and the same written plainly (:mod:`benchmarks.plain_step`)."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor

from benchmarks.plain_step import PlainStep
from benchmarks.settings import METHODS, NORMALISATION, OPTIMIZER, Settings, build_method, method_config
from benchmarks.timing import Comparison, compare, seconds
from mmseg.batch import Batch
from mmseg.engine.optimizer import build_optimizer
from mmseg.uda.self_training import DACS

TITLES = {'daformer': 'DAFormer', 'hrda': 'HRDA', 'mic': 'MIC(HRDA)', 'dida': 'DIDA'}
"""Of :data:`METHODS`."""
UNHURRIED = {'compile': False, 'channels_last': False}
"""Of the plain side."""


def training_step(settings: Settings) -> list[Comparison]:
    """Compare whole steps of DAFormer and, for ours, measure what each part takes."""
    pair = Pair.of('daformer', settings)
    return [replace(pair.compared(settings), parts_ms=_split(pair, settings))]


def all_methods(settings: Settings) -> Iterator[Comparison]:
    """Compare whole steps of each of :data:`METHODS`."""
    for name in METHODS:
        yield Pair.of(name, settings).compared(settings)


@dataclass(frozen=True)
class Pair:
    """Our step and the plain one, from the same weights and on the same images.

    Attributes:
        name: what is trained, with its sizes.
        method: ours.
        wrapper: its optimiser.
        batch: source and target images.
        plain: trains another method, from the same weights.
    """

    name: str
    method: DACS
    wrapper: OptimWrapper
    batch: Batch
    plain: PlainStep

    @classmethod
    def of(cls, name: str, settings: Settings, **speed: Any) -> 'Pair':
        """For one of :data:`METHODS`.

        Args:
            name: of the method.
            settings: the sizes.
            speed: 'precision' of both sides; 'compile' and 'channels_last' of ours.
        """
        config = method_config(name, settings.encoder, settings.size)
        ours, theirs = ({**config, **options} for options in (speed, {**speed, **UNHURRIED}))
        method, plain = (build_method(one, settings.device) for one in (ours, theirs))
        sizes = f'{settings.batch} + {settings.batch} crops of {settings.size}x{settings.size}'
        title = ', '.join([f'{TITLES[name]} step', settings.encoder, sizes, *_words(speed)])
        wrapper = build_optimizer(method, OPTIMIZER, precision=speed.get('precision', 'fp32'))
        return cls(title, method, wrapper, random_batch(settings), PlainStep(plain, config['uda']))

    def our_step(self) -> dict[str, Tensor]:
        """Returns what is logged."""
        torch.manual_seed(self.method.iteration)
        return self.method.train_step(self.batch, self.wrapper)

    def plain_step(self) -> dict[str, float]:
        """Returns what is logged by both."""
        torch.manual_seed(self.plain.method.iteration)
        return self.plain(self.batch)

    def difference(self) -> float:
        """A step each; the largest absolute difference of logged values."""
        ours, plain = self.our_step(), self.plain_step()
        return max(abs(float(ours[name]) - value) for name, value in plain.items() if value == value)

    def compared(self, settings: Settings) -> Comparison:
        """Both, timed."""
        difference = self.difference()
        return compare(
            self.name, self.our_step, self.plain_step, settings.rounds, settings.device, difference
        )


def _words(speed: dict[str, Any]) -> list[str]:
    """What is not as always."""
    return [str(value) if key == 'precision' else key for key, value in speed.items() if value]


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


def _split(pair: Pair, settings: Settings) -> dict[str, float]:
    """Our step again, part by part: median milliseconds by name."""
    runs = [_timed_parts(pair.method, pair.wrapper, pair.batch, settings) for _ in range(settings.rounds)]
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
