"""Similarities of pixels to the rows of the bank, a few rows at a time (spec/dida.md 1.2, 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg.uda.instance_bank.grid import Grid

ABSENT = -1e4
"""Added to the similarity of rows that are not filled; finite, so that 0 times it is 0."""


@dataclass(frozen=True)
class Rows:
    """The bank as a step sees it.

    Attributes:
        features: (K, D); rows that are not filled are 0.
        labels: int64 (K,), class ids in [0, num_classes).
        bias: (K,), 0, or :data:`ABSENT` for rows that are not filled.
        num_classes: number of classes C.
    """

    features: Tensor
    labels: Tensor
    bias: Tensor
    num_classes: int

    def normalised(self) -> 'Rows':
        """The same rows with unit length; rows of zeros stay."""
        return replace(self, features=F.normalize(self.features, dim=1))

    def class_sums(self) -> Tensor:
        """(C, D), the sum of each class's rows."""
        sums = self.features.new_zeros(self.num_classes, self.features.shape[1])
        return sums.index_add_(0, self.labels, self.features)

    def chunks(self, size: int) -> Iterator['Rows']:
        """The rows, ``size`` at a time."""
        parts = zip(self.features.split(size), self.labels.split(size), self.bias.split(size), strict=True)
        return (replace(self, features=f, labels=y, bias=b) for f, y, b in parts)


@dataclass(frozen=True)
class Similarity:
    """How similarities become weights over the bank.

    Attributes:
        kind: 'sum' or 'softmax'.
        temperature: of 'softmax'.
        chunk: rows at a time.
    """

    kind: str
    temperature: float
    chunk: int


def dot(embedding: Tensor, features: Tensor) -> Tensor:
    """Dot products: (B, D, h, w) and (K, D) -> (B, K, h, w)."""
    return torch.matmul(features, embedding.flatten(2)).unflatten(2, embedding.shape[2:])


def scaled(embedding: Tensor, rows: Rows, grid: Grid, temperature: float) -> Tensor:
    """What a softmax over the bank is taken of: (B, k, H, W)."""
    return grid.up(dot(embedding, rows.features / temperature)) + rows.bias[:, None, None]


def log_normaliser(
    embedding: Tensor, rows: Rows, grid: Grid, how: Similarity, log_scores: Tensor | None = None
) -> Tensor:
    """Logarithm of the softmax's denominator, (B, 1, H, W), in one pass over the chunks.

    Args:
        log_scores: (B, C, H, W), added to the similarity of each row by its class, or None.
    """
    found: Tensor | None = None
    for part in rows.chunks(how.chunk):
        exponent = scaled(embedding, part, grid, how.temperature)
        if log_scores is not None:
            exponent += log_scores.index_select(1, part.labels)
        new = exponent.logsumexp(1, keepdim=True)
        found = new if found is None else torch.logaddexp(found, new)
    assert found is not None
    return found


def class_similarity(embedding: Tensor, rows: Rows, grid: Grid, how: Similarity) -> Tensor:
    """Scatter: the weights over the bank summed in each class, (B, C, H, W); the classes sum to 1.

    Args:
        embedding: (B, D, h, w).
        rows: the bank.
        grid: where to evaluate.
        how: normalisation. A pixel whose similarities sum to 0 gets zeros.
    """
    if how.kind == 'sum':
        found = grid.up(dot(embedding, rows.class_sums()))
        return torch.nan_to_num(found / found.sum(1, keepdim=True), nan=0.0, posinf=0.0, neginf=0.0)
    normaliser = log_normaliser(embedding, rows, grid, how)
    found = embedding.new_zeros(len(embedding), rows.num_classes, *grid.fine)
    for part in rows.chunks(how.chunk):
        weights = (scaled(embedding, part, grid, how.temperature) - normaliser).exp_()
        found.index_add_(1, part.labels, weights)
    return found
