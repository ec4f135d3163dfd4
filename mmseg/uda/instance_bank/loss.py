"""The instance loss, streamed over tiles of the image (docs/methods/dida.md#exact-cheaper-forms, items 3 to 5).

The mean over pixels of the cross entropy between two distributions over the bank: the calibrated one of the
teacher's view, which is constant, and the one of the student's view. No map has a channel for every row: only a
tile of the image has. The gradient with respect to the student's embedding is computed in the same pass as the
value, since both need the same similarities; nothing but this gradient is kept for the backward pass.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mmseg.models.global_batch import denominator
from mmseg.uda.instance_bank.grid import Grid
from mmseg.uda.instance_bank.similarity import Rows, Similarity
from mmseg.uda.instance_bank.tiles import Tile


@dataclass(frozen=True)
class Target:
    """What the student's similarities are compared with, without gradient.

    Attributes:
        embedding: the teacher's, (B, D, h, w).
        scores: (B, C, H, W), gathered to rows by their class, or None: similarities alone.
        weight: (B, 1, H, W), of each pixel in the mean.
        pixels: scalar, what the weighted sum is divided by; None: the sum of the weights.
    """

    embedding: Tensor
    scores: Tensor | None
    weight: Tensor
    pixels: Tensor | None = None


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

    With 'sum' and signed scores the target's weights may be negative (docs/methods/dida.md#one-training-step,
    step 16). A pixel where similarities or weights sum to 0, so that nothing is defined, has no loss; a negative
    similarity counts as 0.

    Args:
        embedding: the student's, (B, D, h, w), float32 or float64; the only input with a gradient.
        target: the teacher's side.
        rows: the bank.
        grid: from the embeddings' grid to that of scores and weights.
        form: kind of similarity.

    Returns:
        Scalar, the mean over pixels by weight (0 if all weights are 0, or there are no pixels).
    """
    function = _FUNCTIONS[form.strong.kind]
    with torch.no_grad():
        strong, weak = (x.detach().permute(0, 2, 3, 1).contiguous() for x in (embedding, target.embedding))
        gradient, value = torch.zeros_like(strong), strong.new_zeros(())
        pixels = target.weight.sum() if target.pixels is None else target.pixels
        share = target.weight / denominator(pixels)
        for tile in form.strong.tiles(share, rows, grid):
            scores = None if target.scores is None else tile.fine(target.scores)
            view = _View(tile, tile.coarse(strong), tile.coarse(weak), scores, tile.fine(share))
            lost, slope = function(view, rows, form)
            value += lost
            tile.add(slope, to=gradient)
    return _Precomputed.apply(embedding, value, gradient.permute(0, 3, 1, 2))  # type: ignore[no-untyped-call]


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


@dataclass(frozen=True)
class _View:
    """A tile of the inputs: (p, D) of student and teacher, (C, P) of scores, (1, P) of weights."""

    tile: Tile
    strong: Tensor
    weak: Tensor
    scores: Tensor | None
    share: Tensor


def _sum_form(view: _View, rows: Rows, form: Form) -> tuple[Tensor, Tensor]:
    """Value and gradient (p, D) for similarities that are divided by their sum.

    With q_k = s_k / S and g_k = -dL/dq_k: dL/ds_k = (G - g_k) / S, where G = sum of g_j q_j
    (docs/methods/dida.md#exact-cheaper-forms, item 4).
    """
    tile = view.tile
    weights = tile.up(rows.features @ view.weak.T)
    if view.scores is not None:
        weights *= view.scores.index_select(0, rows.labels)
    inverse = _finite(1 / tile.up(rows.total @ view.strong.T))
    weights *= _finite(view.share / weights.sum(0)) * (inverse != 0)
    similar = tile.up(rows.features @ view.strong.T, inverse)
    guarded = similar.clamp(min=0).add_(form.eps)
    lost = torch.dot(weights.flatten(), guarded.log2().flatten()) * -math.log(2)
    slope = _where_positive(weights.div_(guarded), similar)
    pulled = similar.mul_(slope).sum(0, keepdim=True)
    slope = tile.adjoint(pulled, inverse) - tile.adjoint(slope, inverse)
    return lost, slope.T @ rows.features


def _softmax_form(view: _View, rows: Rows, form: Form) -> tuple[Tensor, Tensor]:
    """Value and gradient (p, D) for a softmax over the bank."""
    tile = view.tile
    calibrated = form.weak.exponents(view.weak, rows, tile)
    if view.scores is not None:
        floor = torch.finfo(calibrated.dtype).tiny
        calibrated += view.scores.clamp(min=floor).log_().index_select(0, rows.labels)
    weights = calibrated.softmax(0)
    exponents = form.strong.exponents(view.strong, rows, tile)
    similar = exponents.softmax(0)
    # The largest weight is exp(0) / denominator.
    normaliser = exponents.amax(0) - similar.amax(0).log()
    lost = normaliser - exponents.mul_(weights).sum(0)
    slope = tile.adjoint(similar.sub_(weights), view.share / form.strong.temperature)
    return torch.dot(lost, view.share[0]), slope.T @ rows.features


_FUNCTIONS: dict[str, Callable[[_View, Rows, Form], tuple[Tensor, Tensor]]] = {
    'sum': _sum_form,
    'softmax': _softmax_form,
}


def _finite(x: Tensor) -> Tensor:
    """0 where ``x`` is not finite."""
    return x.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)


def _where_positive(slope: Tensor, similar: Tensor) -> Tensor:
    """``slope`` where ``similar`` is not negative, else 0; five times as fast as a mask."""
    below = -torch.finfo(similar.dtype).tiny
    return torch.ops.aten.threshold_backward(slope, similar, below)
