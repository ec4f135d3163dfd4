"""The instance loss, streamed over the bank (spec/dida.md 4.2, items 3 to 5).

The mean over pixels of the cross entropy between two distributions over the bank: the calibrated one of the
teacher's view, which is constant, and the one of the student's view. No map has more channels than a chunk of
rows. The gradient with respect to the student's embedding is computed in the same pass as the value, since both
need the same similarities; nothing but this gradient is kept for the backward pass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mmseg.uda.instance_bank.grid import Grid
from mmseg.uda.instance_bank.similarity import Rows, Similarity, dot, log_normaliser, scaled


@dataclass(frozen=True)
class Target:
    """What the student's similarities are compared with, without gradient.

    Attributes:
        embedding: the teacher's, (B, D, h, w).
        scores: (B, C, H, W), gathered to rows by their class, or None: similarities alone.
        weight: (B, 1, H, W), of each pixel in the mean.
    """

    embedding: Tensor
    scores: Tensor | None
    weight: Tensor


@dataclass(frozen=True)
class Form:
    """Which loss.

    Attributes:
        weak, strong: similarities of the teacher's and of the student's view, of one kind.
        eps: added inside the logarithm of 'sum'.
    """

    weak: Similarity
    strong: Similarity
    eps: float = 1e-10


def instance_loss(embedding: Tensor, target: Target, rows: Rows, grid: Grid, form: Form) -> Tensor:
    """Cross entropy between the target's and the student's weights over the bank.

    With 'sum' and signed scores the target's weights may be negative (spec/dida.md 2.3, step 16). A pixel where
    similarities or weights sum to 0, so that nothing is defined, has no loss; a negative similarity counts as 0.

    Args:
        embedding: the student's, (B, D, h, w), float32 or float64; the only input with a gradient.
        target: the teacher's side.
        rows: the bank.
        grid: from the embeddings' grid to that of scores and weights.
        form: kind of similarity.

    Returns:
        Scalar, the mean over pixels by weight (0 if all weights are 0).
    """
    function = _FUNCTIONS[form.strong.kind]
    with torch.no_grad():
        value, gradient = function(embedding.detach().contiguous(), target, rows, grid, form)
    return _Precomputed.apply(embedding, value, gradient)


class _Precomputed(torch.autograd.Function):
    """A value whose gradient is already known."""

    @staticmethod
    def forward(ctx: Any, embedding: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return upstream * gradient, None, None


def _sum_form(strong: Tensor, target: Target, rows: Rows, grid: Grid, form: Form) -> tuple[Tensor, Tensor]:
    """Value and gradient for similarities that are divided by their sum.

    With q_k = s_k / S and g_k = dL/dq_k: dL/ds_k = (g_k - G) / S, where G = sum of g_j q_j. The sums S and, for
    the target, U need no pass over the bank (spec/dida.md 4.2, item 4).
    """
    sums = rows.class_sums()
    total = sums.sum(0, keepdim=True)
    mass = grid.up(dot(strong, total))
    if target.scores is None:
        target_mass = grid.up(dot(target.embedding, total))
    else:
        target_mass = (grid.up(dot(target.embedding, sums)) * target.scores).sum(1, keepdim=True)
    share, inverse = _shares(target.weight, target_mass, mass)
    lost, pulled = torch.zeros_like(mass), torch.zeros_like(mass)
    gradient = torch.zeros_like(strong)
    for part in rows.chunks(form.strong.chunk):
        weights = grid.up(dot(target.embedding, part.features)).mul_(share)
        if target.scores is not None:
            weights *= target.scores.index_select(1, part.labels)
        similar = grid.up(dot(strong, part.features)).mul_(inverse)
        negative = similar < 0
        guarded = similar.clamp_(min=0) + form.eps
        lost -= torch.mul(weights, guarded.log()).sum(1, keepdim=True)
        slope = weights.div_(guarded).neg_().masked_fill_(negative, 0)
        pulled += similar.mul_(slope).sum(1, keepdim=True)
        gradient += _back(grid.adjoint(slope.mul_(inverse)), part.features)
    gradient -= _back(grid.adjoint(pulled.mul_(inverse)), total)
    return lost.sum(), gradient


def _softmax_form(
    strong: Tensor, target: Target, rows: Rows, grid: Grid, form: Form
) -> tuple[Tensor, Tensor]:
    """Value and gradient for a softmax over the bank: two passes, the first one for the denominators."""
    tiny = torch.finfo(strong.dtype).tiny
    log_scores = None if target.scores is None else target.scores.clamp(min=tiny).log()
    denominator = log_normaliser(strong, rows, grid, form.strong)
    target_denominator = log_normaliser(target.embedding, rows, grid, form.weak, log_scores)
    share = target.weight / target.weight.sum().clamp(min=1)
    lost = denominator.clone()
    gradient = torch.zeros_like(strong)
    for part in rows.chunks(form.strong.chunk):
        weights = scaled(target.embedding, part, grid, form.weak.temperature)
        if log_scores is not None:
            weights += log_scores.index_select(1, part.labels)
        weights = weights.sub_(target_denominator).exp_()
        exponent = scaled(strong, part, grid, form.strong.temperature)
        lost -= torch.mul(weights, exponent).sum(1, keepdim=True)
        slope = exponent.sub_(denominator).exp_().sub_(weights).mul_(share)
        gradient += _back(grid.adjoint(slope), part.features / form.strong.temperature)
    return (lost * share).sum(), gradient


_FUNCTIONS: dict[str, Callable[[Tensor, Target, Rows, Grid, Form], tuple[Tensor, Tensor]]] = {
    'sum': _sum_form,
    'softmax': _softmax_form,
}


def _shares(weight: Tensor, target_mass: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
    """weight / (sum of weights) / target_mass and 1 / mass, both 0 where one of them is not finite."""
    share = weight / weight.sum().clamp(min=1) / target_mass
    inverse = 1 / mass
    usable = share.isfinite() & inverse.isfinite()
    return share.masked_fill(~usable, 0), inverse.masked_fill(~usable, 0)


def _back(slope: Tensor, features: Tensor) -> Tensor:
    """(B, K, h, w) and (K, D) -> (B, D, h, w), the transpose of ``dot``."""
    return torch.matmul(features.T, slope.flatten(2)).unflatten(2, slope.shape[2:])
