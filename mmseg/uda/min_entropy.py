"""Entropy minimisation: the method 'MinEnt' (Vu et al., CVPR 2019, arXiv:1811.12833; docs/methods/minent.md)."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from mmseg.batch import Batch
from mmseg.errors import ConfigError
from mmseg.registry import MODELS
from mmseg.uda.adaptation import Adaptation
from mmseg.uda.masking import MaskedConsistency
from mmseg.uda.options import AdaptationOptions, head_weights, weight_problems
from mmseg.uda.part import Part, Step
from mmseg.uda.pictures import Arrays, Layout, Rows, entropy_rows
from mmseg.uda.trainable import LossGroup


@dataclass(frozen=True, kw_only=True)
class EntropyOptions(AdaptationOptions):
    """Options of :class:`MinEnt`, besides those of :class:`AdaptationOptions`.

    Attributes:
        lambda_ent: weight of the entropy of the decode head's predictions under ``main``, of those of auxiliary heads
            under ``aux``. None of the published networks has an auxiliary head.
    """

    lambda_ent: Mapping[str, float]

    def conflicts(self) -> list[str]:
        """The weights."""
        return super().conflicts() + weight_problems('lambda_ent', self.lambda_ent)


class Entropy(Part):
    """How unsure the student is of target images."""

    options: EntropyOptions

    def __init__(self, options: EntropyOptions, host: Adaptation) -> None:
        super().__init__(options, host)
        self.weights = head_weights('lambda_ent', options.lambda_ent, host.student.head_names)

    def groups(self, step: Step) -> Iterator[LossGroup]:
        """A pass over the target images."""
        student, target = self.host.student, step.batch['target_img']
        raw, seen = student.forward_logits(target, step.draws)
        logits = {head: student.domain_logits(value, target.shape[2:]) for head, value in raw.items()}
        losses = {f'ent.loss.{head}': self.weights[head] * entropy(value) for head, value in logits.items()}
        shown = step.shown(lambda: {'img': target, 'logits': logits['main'].detach(), **seen()})
        yield LossGroup(losses, name='entropy', seen=shown)


@MODELS.register_module()
class MinEnt(Adaptation):
    """Supervised on source images; predictions on target images are pushed towards certainty.

    Arguments: :class:`Adaptation` and :class:`EntropyOptions`.
    """

    Options = EntropyOptions
    options: EntropyOptions

    def own_parts(self) -> list[Part]:
        """Entropy of the target."""
        return [Entropy(self.options, self)]

    def loss_groups(self, batch: Batch) -> Iterator[LossGroup]:
        """Source, entropy of the target, masked (published programs train on the latter without logging it).

        Args:
            batch: source and target batch, see :class:`mmseg.batch.Batch`.

        Raises:
            ConfigError: the batch has a ``valid_pseudo_mask``, which only masking has a use for.
        """
        if self.part(MaskedConsistency) is None:
            check_no_valid_mask(batch, 'MinEnt')
        step = self.begin(batch)
        yield self.source_pass(step)
        yield from self.further_passes(step)

    def layout(self) -> Layout:
        """Source, target, entropy, and panels of the parts."""
        scales = (('Source', 'source', False), ('Target', 'entropy', False))
        return Layout(('source', 'entropy'), 'debug', 3, self._rows, scales)

    def _rows(self, groups: Mapping[str, Arrays], j: int) -> Rows:
        return self.with_parts(entropy_rows(groups, j), groups, j)


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
