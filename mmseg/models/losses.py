"""Pixel cross entropy and accuracy with the published averaging (docs/methods/heads.md#pixel-cross-entropy)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.registry import MODELS

REDUCTIONS = ('mean', 'sum', 'none')


def pixel_cross_entropy(
    logits: Tensor,
    label: Tensor,
    weight: Tensor | None = None,
    class_weight: Tensor | None = None,
    reduction: str = 'mean',
    avg_factor: float | Tensor | None = None,
    ignore_index: int = 255,
) -> Tensor:
    """Cross entropy of every pixel, weighted and reduced.

    Quirk (docs/methods/heads.md#pixel-cross-entropy): the mean's denominator is the number of *all* pixels, ignored
    and zero-weight pixels included, also with class weights.

    Args:
        logits: (B, C, H, W).
        label: int64 (B, H, W), class ids in [0, C) or ``ignore_index``.
        weight: (B, H, W) factors of the pixels, or None for 1.
        class_weight: (C,) factors of the classes, or None for 1.
        reduction: 'mean', 'sum' or 'none'.
        avg_factor: divide the sum by this number instead of the number of pixels; only with 'mean' (with 'none' it
            has no effect).
        ignore_index: label whose pixels have loss 0.

    Returns:
        A scalar, or (B, H, W) with reduction 'none'.

    Raises:
        ValueError: unknown reduction, or ``avg_factor`` together with 'sum'.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is '{reduction}'; expected one of {', '.join(REDUCTIONS)}.")
    if avg_factor is not None and reduction == 'sum':
        raise ValueError(
            "avg_factor replaces the denominator of a mean; it cannot be used with reduction 'sum'."
        )
    loss = F.cross_entropy(logits, label, weight=class_weight, reduction='none', ignore_index=ignore_index)
    if weight is not None:
        loss = loss * weight
    if reduction == 'none':
        return loss
    if reduction == 'sum':
        return loss.sum()
    return loss.mean() if avg_factor is None else loss.sum() / avg_factor


@MODELS.register_module()
class CrossEntropyLoss(nn.Module):
    """Softmax cross entropy over pixels, see :func:`pixel_cross_entropy`.

    Args:
        use_sigmoid, use_mask: accepted as False only; published configurations carry them.
        reduction: default reduction, 'mean', 'sum' or 'none'.
        class_weight: one factor of at least 0 a class, not all 0, or None.
        loss_weight: factor of at least 0 of the result, whatever the reduction.

    Raises:
        ConfigError: a value is out of range.
    """

    def __init__(
        self,
        use_sigmoid: bool = False,
        use_mask: bool = False,
        reduction: str = 'mean',
        class_weight: Sequence[float] | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if use_sigmoid or use_mask:
            raise ConfigError(
                'CrossEntropyLoss: use_sigmoid and use_mask must be False (found '
                f'use_sigmoid={use_sigmoid}, use_mask={use_mask}); only the softmax form exists here.'
            )
        if problems := _weight_problems(reduction, class_weight, loss_weight):
            raise ConfigError(f'CrossEntropyLoss: {" ".join(problems)}')
        self.reduction = reduction
        self.loss_weight = loss_weight
        # Not persistent: published checkpoints have no such key.
        values = None if class_weight is None else torch.tensor(class_weight, dtype=torch.float32)
        self.class_weight: Tensor | None
        self.register_buffer('class_weight', values, persistent=False)

    def forward(
        self,
        logits: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
        ignore_index: int = 255,
    ) -> Tensor:
        """Arguments and result as in :func:`pixel_cross_entropy`, times ``loss_weight``."""
        loss = pixel_cross_entropy(
            logits,
            label,
            weight,
            self.class_weight,
            reduction_override or self.reduction,
            avg_factor,
            ignore_index,
        )
        return self.loss_weight * loss


def _weight_problems(reduction: str, class_weight: Sequence[float] | None, loss_weight: float) -> list[str]:
    found = []
    if reduction not in REDUCTIONS:
        found.append(f'reduction is {reduction!r}; expected one of {", ".join(REDUCTIONS)}.')
    if class_weight is not None and (min(class_weight, default=0) < 0 or not any(class_weight)):
        found.append(f'class_weight is {list(class_weight)}; expected factors of at least 0, not all 0.')
    if not 0 <= loss_weight < math.inf:
        found.append(f'loss_weight is {loss_weight}; expected a factor of at least 0.')
    return found


def accuracy(logits: Tensor, label: Tensor) -> Tensor:
    """Percentage of pixels whose largest logit is the label's, in [0, 100].

    Quirk (docs/methods/heads.md#accuracy): ignored pixels count as wrong.

    Args:
        logits: (B, C, H, W).
        label: int64 (B, H, W).

    Returns:
        Scalar tensor on the device of ``logits``.
    """
    return (logits.argmax(dim=1) == label).float().mean() * 100.0


def topk_accuracy(logits: Tensor, label: Tensor, ks: Sequence[int]) -> list[Tensor]:
    """For each k the percentage of pixels whose label is among the k largest logits; shapes as :func:`accuracy`."""
    best = logits.topk(max(ks), dim=1).indices
    hits = best == label.unsqueeze(1)
    return [hits[:, :k].any(dim=1).float().mean() * 100.0 for k in ks]
