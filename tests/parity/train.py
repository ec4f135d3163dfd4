"""Cases of ``train/``: consecutive training steps with every random draw replayed.

Source: tests/parity/cases/README.md#training-steps.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmseg.batch import Batch
from mmseg.config.translate import LrSchedule, train_settings
from mmseg.engine.build import build_trainable
from mmseg.engine.optimizer import build_optimizer, set_learning_rates
from mmseg.models.segmentors.encoder_decoder import Prediction
from mmseg.uda.augmentation import Jitter, JitterStrength
from mmseg.uda.draws import Use
from mmseg.uda.instance_bank.bank import InstanceBank
from mmseg.uda.instance_bank.part import InstanceConsistency
from mmseg.uda.mixing import LABEL_VALUES
from mmseg.uda.trainable import LossGroup, Trainable
from tests.dropout import zero_dropout
from tests.parity import recipe
from tests.parity.core import Case, Check, family, stem
from tests.parity.dida import drawn, row_labels
from tests.parity.hrda import FixedBoxes
from tests.parity.rounding import disturb, with_roundings
from tests.parity.train_check import Step, check_step

MAX_ITERS = 40000
"""Length of the run that the steps belong to (tests/parity/cases/README.md#training-steps)."""

NORMALISATION = {'mean': np.array([123.675, 116.28, 103.53]), 'std': np.array([58.395, 57.12, 57.375])}

KNOWN_EXTRAS = {
    'classifier_bias_offset', 'bank_size', 'bank_dim', 'bank_recipe', 'bank_momentum', 'bank_update_interval',
    'instance_loss_weight',
}  # fmt: skip
"""Settings of a case that are no configuration and that this runner understands."""

Stored = dict[str, Any]


@family('train/*.json')
def train_cases(file: Path, root: Path) -> Iterable[Case]:
    """One case a file."""
    stored = json.loads(file.read_text())
    archive = file.with_suffix('.npz')
    arrays: dict[str, np.ndarray] = {}
    if archive.exists():
        with np.load(archive) as opened:
            arrays = dict(opened)

    def run(check: Check) -> None:
        if 'iterations' not in stored:
            check.true(file.name, False, 'no training steps but data items; no runner knows them')
            return
        unknown = sorted(set(stored['extra']) - KNOWN_EXTRAS)
        if unknown:
            check.true(file.name, False, f'needs what is not built yet: {", ".join(unknown)}')
            return
        salt = recipe.read_salt(root)
        with_roundings(check, lambda tried, rounding: run_steps(tried, stored, arrays, salt, rounding))

    yield Case(stem(file, root), run)


def run_steps(
    check: Check, stored: Stored, arrays: dict[str, np.ndarray], salt: str, rounding: int = 0
) -> None:
    """Train as many steps as are stored and compare after each."""
    trainable = build(stored, salt)
    disturb(trainable, rounding)
    optimizer = build_optimizer(trainable.stored(), stored['optimizer'])
    groups: list[LossGroup] = []
    trainable.watch(lambda iteration, group: groups.append(group))
    logits = record_teacher(trainable)
    for number, iteration in enumerate(stored['iterations']):
        groups.clear()
        logits.clear()
        if stored['lr_schedule'] is not None:
            schedule = {'policy': 'poly', **stored['lr_schedule']}
            max_iters = schedule.pop('max_iters', MAX_ITERS)
            set_learning_rates(optimizer, LrSchedule(**schedule), iteration['iter'], max_iters)
        own = _arrays_of(arrays, iteration['iter']) or _arrays_of(arrays, number)
        replay = Replay(iteration, stored['model'].get('crop_coord_divisible', 1), own.get('mask0'))
        trainable.draws = lambda seed, at, replay=replay: replay  # type: ignore[assignment,misc]
        trainable.train()
        logged = trainable.train_step(make_batch(stored, iteration), optimizer)
        step = Step(number, logged, {group.name: group for group in groups}, logits, trainable, optimizer)
        check_step(check, step, stored, iteration, own)


def _arrays_of(arrays: dict[str, np.ndarray], number: int) -> dict[str, np.ndarray]:
    prefix = f'it{number}_'
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def build(stored: Stored, salt: str) -> Trainable:
    """The training object with the recipe's weights and without dropout."""
    method = bank_options(stored)
    config = {'model': stored['model'], 'uda': method, 'runner': {'max_iters': MAX_ITERS}}
    trainable = build_trainable(train_settings(config), initialise=False)
    zero_dropout(trainable)
    recipe.fill_module(trainable.stored(), salt)
    if method is not stored['uda']:
        fill_bank(trainable, stored['extra']['bank_recipe'])
    offset = stored['extra'].get('classifier_bias_offset', 0)
    with torch.no_grad():
        for name, parameter in trainable.stored().named_parameters():
            if offset and name.endswith('decode_head.conv_seg.bias'):
                parameter += offset
    trainable.iteration = stored['start_iter']
    return trainable


def record_teacher(trainable: Trainable) -> list[Tensor]:
    """The list that receives the logits of every call of the teacher."""
    logits: list[Tensor] = []
    teacher = trainable.teacher
    if teacher is not None:
        predict, predict_with_embedding = teacher.generate_pseudo_label, teacher.predict_with_embedding

        def recording(*arguments: Any, **options: Any) -> Tensor:
            logits.append(predict(*arguments, **options))
            return logits[-1]

        def recording_embedding(*arguments: Any, **options: Any) -> Prediction:
            found: Prediction = predict_with_embedding(*arguments, **options)
            logits.append(found.logits)
            return found

        teacher.generate_pseudo_label = recording
        teacher.predict_with_embedding = recording_embedding
    return logits


def bank_options(stored: Stored) -> Stored:
    """Options of the method; the published program has those of the instance bank in its code."""
    extra, uda = stored['extra'], stored['uda']
    if 'bank_size' not in extra:
        return uda
    bank = {
        'mode': 'published',
        'bank_size': extra['bank_size'],
        'momentum': extra['bank_momentum'],
        'update_interval': extra['bank_update_interval'],
        'loss_weight': extra['instance_loss_weight'],
        'chunk': 2**14,  # the image falls into several pieces
    }
    return {**uda, 'instance_bank': bank}


def fill_bank(trainable: Trainable, text: str) -> None:
    """Put in the bank that the recipe's sentence describes."""
    features = drawn(text)
    labels = row_labels(text, len(features))
    part: Any = trainable.part(InstanceConsistency)
    part.bank = InstanceBank(labels.tolist(), features.shape[1], part.num_classes, features.numpy().copy())


def make_batch(stored: Stored, iteration: Stored) -> Batch:
    """Inputs of a step, drawn by the recipe."""
    batch, (height, width), seeds = stored['batch'], stored['size'], iteration['seeds']
    shape = (batch, 3, height, width)
    metas = [{'img_norm_cfg': NORMALISATION} for _ in range(batch)]
    label = recipe.labels(seeds['labels'], batch, height, width, **stored['label_recipe'])
    made: Batch = {
        'img': recipe.normal(seeds['img'], shape) * stored['img_scale'],
        'img_metas': metas,
        'gt_semantic_seg': label.unsqueeze(1),
    }
    if 'target_img' in seeds:
        made['target_img'] = recipe.normal(seeds['target_img'], shape) * stored['img_scale']
        made['target_img_metas'] = metas
    margins = stored['valid_mask_margins_top_bottom_left_right']
    if margins is not None:
        top, bottom, left, right = margins
        valid = torch.zeros(batch, 1, height, width, dtype=torch.uint8)
        valid[:, :, top : height - bottom, left : width - right] = 1
        made['valid_pseudo_mask'] = valid
    return made


FACTORS = ('brightness', 'contrast', 'saturation', 'hue')
"""Jitter factors in our order."""


class Replay:
    """The stored draws of one step in place of random ones."""

    def __init__(self, iteration: Stored, crop_divisible: int, mask: np.ndarray | None) -> None:
        self.boxes = FixedBoxes(iteration.get('hr_crop_boxes_y1y2x1x2') or [], crop_divisible)
        self.classes = iteration.get('mix_classes')
        self.strong = {
            'mix': iteration.get('strong_draws') or {},
            'mask': iteration.get('masked_strong_draws') or {},
        }
        self.mask = mask

    def stream(self, name: str) -> FixedBoxes:
        """The draws of the network: its detail crops."""
        return self.boxes.stream(name)

    def gates(self, use: Use = 'mix') -> tuple[float, float]:
        """Stored gates; without them everything stays off."""
        jitter, blur = self.strong[use].get('gates_jitter_then_blur', (0.0, 0.0))
        return jitter, blur

    def mix_classes(self, labels: Tensor) -> Tensor:
        """The classes that were pasted for each image."""
        table = torch.zeros(len(labels), LABEL_VALUES, dtype=torch.bool)
        for row, chosen in zip(table, self.classes, strict=True):
            row[chosen] = True
        return table

    def jitter(self, batch: int, strength: JitterStrength, use: Use = 'mix') -> Jitter:
        """Stored factors and orders."""
        if use == 'mask':
            shared = self.strong[use]['jitter_of_the_batch']
            factors = np.transpose([shared[name] for name in FACTORS]).tolist()
            return Jitter(factors, [shared['order']] * batch)
        images = self.strong[use]['jitter_per_image']
        return Jitter(
            [[image[name] for name in FACTORS] for image in images], [image['order'] for image in images]
        )

    def sigmas(self, batch: int, use: Use = 'mix') -> tuple[float, ...]:
        """Stored blur."""
        if use == 'mask':
            return (self.strong[use]['blur_sigma'],) * batch
        return tuple(self.strong[use]['blur_sigma_per_image'])

    def block_scores(self, batch: int, rows: int, columns: int) -> Tensor:
        """1 for blocks that the stored mask keeps, 0 for the others."""
        assert self.mask is not None, 'no block mask is stored'
        height, width = self.mask.shape[-2:]
        y, x = (-(-np.arange(n) * length // n) for n, length in ((rows, height), (columns, width)))
        return torch.from_numpy(self.mask[:, :1][:, :, y][..., x].astype(np.float32))
