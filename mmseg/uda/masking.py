"""Masked image consistency: MIC (Hoyer et al., CVPR 2023, arXiv:2212.01322; docs/methods/mic.md).

Square blocks of an image are hidden, and the student must label it from what is left: a target image as the teacher
labels the complete image, a source image as its ground truth.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.batch import Batch
from mmseg.errors import ConfigError
from mmseg.models.dropout import set_dropout
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.option_types import Range
from mmseg.options import Amount, NoOptions, Share, parse
from mmseg.registry import MODELS, PARTS
from mmseg.uda.augmentation import apply_strong, normalisation
from mmseg.uda.draws import StepDraws, draw_strong_mask
from mmseg.uda.mixing import half_of_each
from mmseg.uda.part import Part, Step
from mmseg.uda.pseudo_label import PseudoLabel, trusted_pseudo_label
from mmseg.uda.teacher import MeanTeacher
from mmseg.uda.trainable import Average, LossGroup
from mmseg.uda.transfer import send

if TYPE_CHECKING:
    from mmseg.uda.adaptation import Adaptation

Mode = Literal['separatetrg', 'separatetrgaug', 'separatesrc', 'separatesrcaug', 'separate', 'separateaug']
"""Of the published option ``uda.mask_mode`` (docs/methods/mic.md#modes)."""

MODES: tuple[Mode, ...] = get_args(Mode)

MAIN_LOSS = 'decode.loss_seg'
"""That of the decode head, of both scales together where there are two."""

SAME = 'same'
"""Value of ``mask_alpha`` and ``mask_pseudo_threshold``: as the host method."""


@dataclass(frozen=True)
class BlockMask(NoOptions):
    """``uda.mask_generator``: dict(type='block', ...).

    Attributes:
        mask_ratio: probability that a block is hidden.
        mask_block_size: its side in pixels.
    """

    mask_ratio: Share
    mask_block_size: Annotated[int, Range(1)]
    type: Literal['block'] = 'block'


@dataclass(frozen=True)
class TokenMask(NoOptions):
    """``uda.mask_generator``: dict(type='token', ...): blocks are what a token of the encoder sees (of the context).

    Attributes:
        mask_ratio: probability that a token is hidden.
    """

    mask_ratio: Share
    type: Literal['token'] = 'token'


GENERATORS: dict[str, type[BlockMask] | type[TokenMask]] = {'block': BlockMask, 'token': TokenMask}
"""By the ``type`` of ``uda.mask_generator``."""


@dataclass(frozen=True)
class MaskOptions(NoOptions):
    """Options of :class:`MaskedConsistency`; published keys begin with ``mask_``, that of ``weight`` is
    ``mask_lambda``.

    Attributes:
        mode: which images are masked in a pass of their own.
        alpha: of a teacher that only masking uses, 'same': as the host; 0: the current student.
        pseudo_threshold: the same for the host's ``pseudo_threshold``; None: all pseudo-labels have weight 1. Only if
            both are 'same', the host's pseudo-labels are shared.
        weight: of the masked loss. Quirk: it is 0 if not given.
        generator: see :class:`BlockMask` and :class:`TokenMask`.
        weight_all: ``weight`` also scales the losses of single scales of multi-resolution networks (and of auxiliary
            heads). Quirk: published programs scale 'decode.loss_seg' only, hence the default.
    """

    mode: Mode | None
    generator: Mapping[str, Any] | None = None
    alpha: Share | Literal['same'] = 'same'
    pseudo_threshold: Share | Literal['same'] | None = 'same'
    weight: Amount = 0
    weight_all: bool = False

    def conflicts(self) -> list[str]:
        """The blocks."""
        try:
            self.blocks()
        except ConfigError:
            return [
                f"generator: found {self.generator!r}, expected dict(type='block', mask_ratio=from 0 to 1, "
                "mask_block_size=pixels) or dict(type='token', mask_ratio=from 0 to 1)."
            ]
        return []

    def blocks(self) -> BlockMask | TokenMask:
        """What is hidden."""
        given = self.generator or {}
        return parse(GENERATORS.get(str(given.get('type')), BlockMask), given)


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


@PARTS.register_module()
class MaskedConsistency(Part):
    """The masked pass. Source images and ground truth, whatever the mode, if the method has no target."""

    Options = MaskOptions
    options: MaskOptions

    def __init__(self, options: MaskOptions, host: 'Adaptation') -> None:
        super().__init__(options, host)
        mode = options.mode or ''
        self.domain = mode.removeprefix('separate').removesuffix('aug') if host.has_target else 'src'
        self.augments = mode.endswith('aug')
        self.blocks = options.blocks()
        self.teacher = None
        shared = (options.alpha, options.pseudo_threshold) == (SAME, SAME)
        if not shared or (host.has_target and not host.has_pseudo_labels):
            alpha = _number(options.alpha, host.options.alpha)
            threshold = _number(options.pseudo_threshold, host.options.pseudo_threshold)
            rows = host.options.ignore_rows
            self.teacher = MaskingTeacher(host.model_cfg, host.student, alpha, threshold, rows)

    def modules(self) -> dict[str, nn.Module]:
        """The teacher, if there is one of its own."""
        return {} if self.teacher is None else {'mic': nn.ModuleDict({'teacher': self.teacher})}

    def init_weights(self) -> None:
        """Load or draw the weights of the teacher."""
        if self.teacher is not None:
            self.teacher.ema_model.init_weights()

    def averages(self) -> list[Average]:
        """The own teacher's average, if there is one."""
        return [] if self.teacher is None else [self.teacher.average]

    def before_step(self, step: Step) -> None:
        """Average the own teacher."""
        if self.teacher is not None:
            self.teacher.average.update(step.iteration)

    def groups(self, step: Step) -> Iterator[LossGroup]:
        """Label masked images with the student (docs/methods/mic.md#one-call)."""
        images, label, weight = self._selected(step.batch, step.pseudo)
        draws, host = step.draws, self.host.options
        if self.augments:
            strong = draw_strong_mask(draws, len(images), host.jitter_strength, host.jitter_above)
            images = apply_strong(images, strong, *normalisation(self.host.normalisation, images.device))
        mask = self._mask(draws, images)
        images = images * mask
        output = self.host.student.forward_train(images, label, weight=weight, draws=draws)
        output.losses = {name: self._weighted(name, value) for name, value in output.losses.items()}

        def seen() -> dict[str, Any]:
            found = {'img': images, 'label': label, 'mask': mask, **output.seen()}
            return found if weight is None else {**found, 'weight': weight}

        yield LossGroup(*output.prefixed('masked.').parts(), name='masked', seen=step.shown(seen))

    def _mask(self, draws: StepDraws, images: Tensor) -> Tensor:
        """1 where images (B, 3, H, W) are shown, 0 where they are hidden, (B, 1, H, W)."""
        size = (images.shape[2], images.shape[3])
        if isinstance(self.blocks, BlockMask):
            scores = draws.block_scores(len(images), *block_grid(size, self.blocks.mask_block_size))
            return block_mask(send(scores, images.device), self.blocks.mask_ratio, size)
        side = self.host.student.token_size
        scores = draws.block_scores(len(images), *(-(-length // side) for length in size))
        return token_mask(send(scores, images.device), self.blocks.mask_ratio, side, size)

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
        pairs = ((source, target), (truth, guess), (torch.ones_like(weight), weight))
        images, label, weight = (half_of_each(*pair) for pair in pairs)
        return images, label, weight

    def _weighted(self, name: str, value: Tensor) -> Tensor:
        """Quirk: by default ``mask_lambda`` scales the main loss only, not those of single scales."""
        return value * self.options.weight if self.options.weight_all or name == MAIN_LOSS else value


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


def token_mask(scores: Tensor, ratio: float, side: int, size: Sequence[int]) -> Tensor:
    """As :func:`block_mask`, with blocks of exactly ``side`` pixels from the upper left corner on.

    Args:
        scores: (B, 1, rows, columns) in [0, 1), one number a block.
        ratio: probability in [0, 1] that a block is hidden.
        side: of a block in pixels.
        size: (H, W), covered by the blocks.
    """
    kept = (scores >= ratio).float().repeat_interleave(side, 2).repeat_interleave(side, 3)
    return kept[:, :, : size[0], : size[1]]


def _number(value: Any, same: float | None) -> Any:
    """The number that an option of :class:`MaskOptions` stands for."""
    return same if isinstance(value, str) else value
