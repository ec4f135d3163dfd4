"""Masked image consistency: MIC (Hoyer et al., CVPR 2023, arXiv:2212.01322; docs/methods/mic.md).

Square blocks of an image are hidden, and the student must label it from what is left: a target image as the teacher
labels the complete image, a source image as its ground truth. A part that adaptation methods hold as ``mic`` and
ask for one more loss group a step.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.dropout import set_dropout
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.models.trainable import Batch, LossGroup
from mmseg.registry import MODELS
from mmseg.uda.augmentation import apply_strong, normalisation
from mmseg.uda.draws import StepDraws, draw_strong_mask
from mmseg.uda.options import SelfTrainingOptions, range_problems
from mmseg.uda.pseudo_label import PseudoLabel, trusted_pseudo_label
from mmseg.uda.teacher import MeanTeacher
from mmseg.uda.transfer import to_device

MODES = ('separatetrg', 'separatetrgaug', 'separatesrc', 'separatesrcaug', 'separate', 'separateaug')
"""Valid values of ``uda.mask_mode`` (docs/methods/mic.md#modes)."""

SAME = 'same'
"""Value of ``mask_alpha`` and ``mask_pseudo_threshold``: as the host method."""


@dataclass(frozen=True)
class MaskOptions:
    """The options ``mask_*`` below ``uda``, see :class:`mmseg.uda.method.DACS`."""

    mode: str | None
    alpha: float | str
    pseudo_threshold: float | str | None
    weight: float
    generator: Mapping[str, Any] | None
    weight_all: bool

    def problems(self) -> list[str]:
        """One sentence for each option that is not valid."""
        found = range_problems(
            mask_alpha=_number(self.alpha, None),
            mask_pseudo_threshold=_number(self.pseudo_threshold, None),
            mask_lambda=self.weight,
        )
        found += [
            f"uda.{name} is {value!r}; expected a number or '{SAME}'"
            for name, value in (('mask_alpha', self.alpha), ('mask_pseudo_threshold', self.pseudo_threshold))
            if isinstance(value, str) and value != SAME
        ]
        if self.mode is not None and self.mode not in MODES:
            found.append(f'uda.mask_mode is {self.mode!r}; expected None or one of {", ".join(MODES)}')
        return found + (self._generator_problems() if self.mode is not None else [])

    def _generator_problems(self) -> list[str]:
        generator = dict(self.generator or {})
        ratio, size = generator.get('mask_ratio'), generator.get('mask_block_size')
        known = set(generator) == {'type', 'mask_ratio', 'mask_block_size'} and generator['type'] == 'block'
        valid_ratio = isinstance(ratio, int | float) and 0 <= ratio <= 1
        if known and valid_ratio and isinstance(size, int) and size >= 1:
            return []
        return [
            f"uda.mask_generator is {generator or None}; expected dict(type='block', mask_ratio=from 0 to 1, "
            'mask_block_size=pixels)'
        ]


class MaskingTeacher(nn.Module):
    """A mean teacher that only masking uses (docs/methods/mic.md#teacher).

    Args:
        model: configuration of the segmentor.
        student: the network that is averaged.
        alpha: share of the old teacher kept in a step; 0: the teacher is the current student.
        threshold: probability from which a pseudo-label counts as confident; None: all have weight 1.
        ignore_rows: first and last rows of the crop that get weight 0.
    """

    def __init__(
        self,
        model: Mapping[str, Any],
        student: nn.Module,
        alpha: float,
        threshold: float | None,
        ignore_rows: tuple[int, int],
    ) -> None:
        super().__init__()
        self.ema_model: EncoderDecoder = MODELS.build(copy.deepcopy(model))
        self.threshold = threshold
        self.ignore_rows = ignore_rows
        self.average = MeanTeacher(self.ema_model, student, alpha)

    def train(self, mode: bool = True) -> 'MaskingTeacher':
        """Training mode (batch norms use the batch) without dropout."""
        super().train(mode)
        set_dropout(self.ema_model, active=False)
        return self

    @torch.no_grad()
    def forward(self, images: Tensor, valid: Tensor | None) -> PseudoLabel:
        """Pseudo-labels of complete target images (B, 3, H, W); ``valid`` is uint8 (B, 1, H, W) or None."""
        with torch.inference_mode():
            logits = self.ema_model.generate_pseudo_label(images)
        return trusted_pseudo_label(logits, self.threshold, *self.ignore_rows, valid=valid)


class MaskedConsistency(nn.Module):
    """The masked pass.

    Args:
        options: checked options, ``mode`` given.
        host: options of the host method.
        teacher: the teacher of its own, or None if the host lends its pseudo-labels (or none are needed).
        source_only: source images and ground truth, whatever the mode.
    """

    def __init__(
        self,
        options: MaskOptions,
        host: SelfTrainingOptions,
        teacher: MaskingTeacher | None,
        source_only: bool,
    ) -> None:
        super().__init__()
        mode, generator = options.mode or '', options.generator or {}
        self.domain = 'src' if source_only else mode.removeprefix('separate').removesuffix('aug')
        self.augments = mode.endswith('aug')
        self.ratio, self.block_size = float(generator['mask_ratio']), int(generator['mask_block_size'])
        self.weight, self.weight_all = options.weight, options.weight_all
        self.jitter_strength, self.jitter_above = host.jitter_strength, host.jitter_above
        self.teacher = teacher

    def init_weights(self) -> None:
        """Load or draw the weights of the teacher, if there is one of its own."""
        if self.teacher is not None:
            self.teacher.ema_model.init_weights()

    def averages(self) -> list[MeanTeacher]:
        """The own teacher's average, if there is one."""
        return [] if self.teacher is None else [self.teacher.average]

    def update(self, iteration: int) -> None:
        """Average the own teacher; at the start of a step."""
        if self.teacher is not None:
            self.teacher.average.update(iteration)

    def masked(
        self, student: EncoderDecoder, batch: Batch, shared: PseudoLabel | None, draws: StepDraws
    ) -> LossGroup:
        """Label masked images with the student (docs/methods/mic.md#one-call).

        Args:
            student: the trained network.
            batch: source and target images.
            shared: pseudo-labels of the host, used without a teacher of its own.
            draws: the step's random decisions.
        """
        images, label, weight = self._selected(batch, shared)
        if self.augments:
            strong = draw_strong_mask(draws, len(images), self.jitter_strength, self.jitter_above)
            images = apply_strong(images, strong, *normalisation(batch['img_metas'], images.device))
        scores = draws.block_scores(len(images), *block_grid(images.shape[2:], self.block_size))
        mask = block_mask(to_device(scores, images.device), self.ratio, images.shape[2:])
        images = images * mask
        output = student.forward_train(images, label, weight=weight, draws=draws)
        losses = {f'masked.{name}': self._weighted(name, value) for name, value in output.losses.items()}
        seen = {'img': images, 'label': label, 'mask': mask, **output.seen}
        return LossGroup('masked', losses, seen if weight is None else {**seen, 'weight': weight})

    def _selected(self, batch: Batch, shared: PseudoLabel | None) -> tuple[Tensor, Tensor, Tensor | None]:
        """Images (B, 3, H, W), labels (B, 1, H, W) and weights (B, H, W) or None by mode."""
        source, truth = batch['img'], batch['gt_semantic_seg']
        if self.domain == 'src':
            return source, truth, None
        pseudo = shared
        if self.teacher is not None:
            pseudo = self.teacher(batch['target_img'], batch.get('valid_pseudo_mask'))
        assert pseudo is not None
        target, guess, weight = batch['target_img'], pseudo.label.unsqueeze(1), pseudo.weight
        if self.domain == 'trg':
            return target, guess, weight
        half = _half(source)
        return (
            torch.cat([source[:half], target[:half]]),
            torch.cat([truth[:half], guess[:half]]),
            torch.cat([torch.ones_like(weight[:half]), weight[:half]]),
        )

    def _weighted(self, name: str, value: Tensor) -> Tensor:
        """Quirk: by default ``mask_lambda`` scales the main loss only, not those of single scales."""
        scaled = name == 'decode.loss_seg' or (self.weight_all and 'loss' in name)
        return value * self.weight if scaled else value


def build_masking(
    options: MaskOptions,
    host: SelfTrainingOptions,
    model: Mapping[str, Any],
    student: EncoderDecoder,
    require_teacher: bool = False,
    source_only: bool = False,
) -> MaskedConsistency | None:
    """The masking part of a method, or None without ``mask_mode``.

    Args:
        options: ``uda.mask_*``, without :meth:`MaskOptions.problems`.
        host: options of the host method that 'same' refers to.
        model: configuration of the segmentor, for a teacher.
        student: the trained network.
        require_teacher: the host has no pseudo-labels to lend.
        source_only: see :class:`MaskedConsistency`.
    """
    if options.mode is None:
        return None
    teacher = None
    if require_teacher or (options.alpha, options.pseudo_threshold) != (SAME, SAME):
        alpha = _number(options.alpha, host.alpha)
        threshold = _number(options.pseudo_threshold, host.pseudo_threshold)
        teacher = MaskingTeacher(model, student, alpha, threshold, host.ignore_rows)
    return MaskedConsistency(options, host, teacher, source_only)


def block_grid(size: Sequence[int], block: int) -> tuple[int, int]:
    """Rows and columns of blocks on an image of ``size`` (height, width); halves are rounded to even.

    Raises:
        ConfigError: a block is larger than about twice the image.
    """
    rows, columns = round(size[0] / block), round(size[1] / block)
    if rows < 1 or columns < 1:
        raise ConfigError(
            f'uda.mask_generator.mask_block_size is {block}, too large for crops of {size[0]} x {size[1]} pixels; '
            'expected at most the size of the crop.'
        )
    return rows, columns


def block_mask(scores: Tensor, ratio: float, size: Sequence[int]) -> Tensor:
    """1 where an image is kept, 0 where it is hidden.

    Args:
        scores: (B, 1, rows, columns) in [0, 1), one number a block; a block is kept if it exceeds ``ratio``.
        ratio: probability in [0, 1] that a block is hidden. Quirk: a score of exactly 0 is hidden even with ratio 0.
        size: (H, W); blocks are enlarged to it, so they are a little larger or smaller where it is no multiple.

    Returns:
        float32 (B, 1, H, W).
    """
    return F.interpolate((scores > ratio).float(), size=tuple(size), mode='nearest')


def _half(images: Tensor) -> int:
    """Images of each domain in a masked batch of both; published: 1 of a batch of 2."""
    if len(images) % 2:
        raise ConfigError(
            f"uda.mask_mode 'separate' masks half a batch of each domain, but data.samples_per_gpu is {len(images)}; "
            'expected an even number.'
        )
    return len(images) // 2


def _number(value: Any, same: float | None) -> Any:
    """The number that an option of :class:`MaskOptions` stands for."""
    return same if isinstance(value, str) else value
