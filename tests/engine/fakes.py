"""A trainable of a few numbers, for tests of the loop and its surroundings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmseg.batch import Batch
from mmseg.config.translate import LrSchedule, TrainSettings
from mmseg.engine.hooks import CheckpointHook, LogHook
from mmseg.engine.log import LogWriter
from mmseg.engine.loop import Hook, Run
from mmseg.engine.optimizer import build_optimizer
from mmseg.uda.trainable import LossGroup, Trainable

OPTIMIZER = {
    'type': 'AdamW',
    'lr': 0.01,
    'weight_decay': 0.1,
    'paramwise_cfg': {'custom_keys': {'head': {'lr_mult': 10.0}, 'norm': {'decay_mult': 0.0}}},
}


class Toy(Trainable):
    """A student with dropout and batch norm, and a teacher that is never stepped."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = nn.Sequential()
        self.model.add_module('body', nn.Linear(3, 4))
        self.model.add_module('norm', nn.BatchNorm1d(4))
        self.model.add_module('drop', nn.Dropout(0.5))
        self.model.add_module('head', nn.Linear(4, 1))
        self.ema_model = nn.Linear(3, 4).requires_grad_(False)
        self.poison_at = -1

    student = property(lambda self: self.model)

    def networks(self) -> dict[str, Any]:
        return {}

    def init_weights(self) -> None:
        """They are drawn."""

    def loss_groups(self, batch: Batch) -> Iterator[LossGroup]:
        loss = (self.model(batch['img']) - 1).square().mean()
        if self.iteration == self.poison_at:
            loss = loss * float('nan')
        yield LossGroup({'decode.loss_seg': loss}, {'decode.acc_seg': loss.detach() * 10}, name='source')


def batches(start: int, end: int, offset: int = 0) -> Iterator[Batch]:
    """Batch t is a function of t alone."""
    for step in range(start, end):
        generator = torch.Generator().manual_seed(1000 * offset + step)
        yield {'img': torch.randn(4, 3, generator=generator), 'img_metas': []}


def make_run(folder: Path, max_iters: int = 6, extra: list[Hook] | None = None, **options: object) -> Run:
    """A complete run over :class:`Toy`, writing to ``folder``."""
    settings = TrainSettings(
        max_iters=max_iters, optimizer=OPTIMIZER, schedule=LrSchedule(policy='poly'), **options  # type: ignore[arg-type]
    )  # fmt: skip
    toy = Toy()
    writer = LogWriter(folder / 'run.log.json', 'toy')
    return Run(
        trainable=toy,
        optimizer=build_optimizer(toy, settings.optimizer),
        settings=settings,
        batches=lambda start: batches(start, max_iters),
        hooks=[
            LogHook(writer, settings.log_interval),
            *(extra or []),
            CheckpointHook(settings.checkpoint_interval, async_save=settings.async_save),
        ],
        work_dir=folder,
        device=torch.device('cpu'),
    )


def weights(run: Run) -> dict[str, Tensor]:
    """Copies of everything in the state dict."""
    return {name: value.clone() for name, value in run.trainable.state_dict().items()}
