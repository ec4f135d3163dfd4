"""Entropy minimisation: the method 'MinEnt' (Vu et al., CVPR 2019, arXiv:1811.12833; docs/methods/minent.md)."""

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from mmseg.errors import ConfigError
from mmseg.models.draws import process_rank
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.models.trainable import Average, Batch, LossGroup, Trainable
from mmseg.registry import MODELS
from mmseg.uda.augmentation import JitterStrength
from mmseg.uda.draws import Draws, DrawSource
from mmseg.uda.masking import MaskOptions, build_masking
from mmseg.uda.options import SelfTrainingOptions, head_weights, raise_problems, weight_problems


@MODELS.register_module()
class MinEnt(Trainable):
    """Supervised on source images; predictions on target images are pushed towards certainty.

    Args:
        model: configuration of the segmentor.
        max_iters: length of the run; every adaptation method gets it, this one needs it for nothing.
        lambda_ent: weight of the entropy of the decode head's predictions under ``main``, of those of auxiliary heads
            under ``aux``. None of the published networks has an auxiliary head.
        debug_img_interval: draw debug pictures every so many iterations (:mod:`mmseg.uda.debug`).
        alpha, pseudo_threshold, pseudo_weight_ignore_top, pseudo_weight_ignore_bottom: of the masking's teacher,
            see :class:`mmseg.uda.method.DACS`.
        blur: accepted for published configurations; masking ignores it.
        color_jitter_strength, color_jitter_probability: of the masking's colour jitter.
        mask_mode, mask_alpha, mask_pseudo_threshold, mask_lambda, mask_generator, mask_lambda_all: masked image
            consistency, see :class:`mmseg.uda.method.DACS`; it always has a teacher of its own here.

    Attributes:
        draws: makes the random decisions of a step from (seed, rank, iteration).

    Raises:
        ConfigError: a value is out of range; all problems are listed.
    """

    model: EncoderDecoder

    def __init__(
        self, model: Mapping[str, Any], max_iters: int, lambda_ent: Mapping[str, float], debug_img_interval: int = 1000,
        alpha: float = 0.999, pseudo_threshold: float = 0.968,
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
        raise_problems(options.problems() + masking.problems() + weight_problems('lambda_ent', lambda_ent))
        self.draws: DrawSource = Draws
        self.model = MODELS.build(copy.deepcopy(model))
        self.weights = head_weights('lambda_ent', lambda_ent, self.model.head_names)
        self.mic = build_masking(masking, options, model, self.model, require_teacher=True)

    def init_weights(self) -> None:
        """Load or draw the weights of the network and of the masking's teacher."""
        self.model.init_weights()
        if self.mic is not None:
            self.mic.init_weights()

    def averages(self) -> list[Average]:
        """The teacher of masking."""
        return [] if self.mic is None else [*self.mic.averages()]

    def loss_groups(self, batch: Batch) -> Iterator[LossGroup]:
        """Source, entropy of the target, masked.

        Args:
            batch: source and target batch, see :data:`mmseg.models.trainable.Batch`.

        Raises:
            ConfigError: the batch has a ``valid_pseudo_mask``, which only masking has a use for.
        """
        if self.mic is None:
            check_no_valid_mask(batch, 'MinEnt')
        else:
            self.mic.update(self.iteration)
        draws = self.draws(self.seed, process_rank(), self.iteration)
        source, target = batch['img'], batch['target_img']

        output = self.model.forward_train(source, batch['gt_semantic_seg'], draws=draws)
        yield LossGroup(
            'source', output.losses, {'img': source, 'label': batch['gt_semantic_seg'], **output.seen}
        )
        del output  # frees what only its own backward pass needed

        raw, seen = self.model.forward_logits(target, draws)
        logits = {head: self.model.domain_logits(value, target.shape[2:]) for head, value in raw.items()}
        losses = {f'ent.loss.{head}': self.weights[head] * entropy(value) for head, value in logits.items()}
        yield LossGroup('entropy', losses, {'img': target, 'logits': logits['main'].detach(), **seen})

        if self.mic is not None:
            # Published programs train on these losses without logging them.
            yield self.mic.masked(self.model, batch, None, draws)


def entropy(logits: Tensor) -> Tensor:
    """Mean entropy of predictions, 1 for uniform ones.

    Args:
        logits: (B, C, H, W).

    Returns:
        Scalar in [0, 1]: ``-sum(v log2(v + 1e-30)) / (B H W log2 C)`` with v the softmax.
    """
    probability = logits.softmax(dim=1)
    positions = logits.numel() / logits.shape[1]
    return -(probability * (probability + 1e-30).log2()).sum() / (positions * math.log2(logits.shape[1]))


def check_no_valid_mask(batch: Batch, method: str) -> None:
    """Raise if the data set marks where pseudo-labels are valid, but the method makes none."""
    if batch.get('valid_pseudo_mask') is not None:
        raise ConfigError(
            f'uda.type is {method!r}, which makes no pseudo-labels, but the data set says where they are valid. '
            'Remove data.train.target.crop_pseudo_margins or set uda.mask_mode.'
        )
