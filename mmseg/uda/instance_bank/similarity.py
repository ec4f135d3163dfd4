"""Similarities of pixels to the rows of the bank, a tile at a time.

Source: docs/methods/dida.md#the-scheme, #exact-cheaper-forms.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg.uda.instance_bank.grid import Grid
from mmseg.uda.instance_bank.tiles import Tile

ABSENT = -1e4
"""Added to the similarity of rows that are not filled; finite, so that 0 times it is 0."""
CPU_CHUNK, GPU_CHUNK = 2**17, 2**24
"""Similarities at a time unless chosen: what the cache of one core holds, and what keeps a GPU busy (64 MiB)."""


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

    @cached_property
    def membership(self) -> Tensor:
        """(C, K), 1 where a row belongs to a class."""
        classes = torch.arange(self.num_classes, device=self.labels.device)
        return (classes.unsqueeze(1) == self.labels).to(self.features.dtype)

    @cached_property
    def class_sums(self) -> Tensor:
        """(C, D), the sum of each class's rows."""
        return self.membership @ self.features

    @cached_property
    def total(self) -> Tensor:
        """(1, D), the sum of all rows."""
        return self.features.sum(0, keepdim=True)


@dataclass(frozen=True)
class Similarity:
    """How similarities become weights over the bank.

    Attributes:
        kind: 'sum' or 'softmax'.
        temperature: of 'softmax'.
        chunk: similarities, rows times pixels, at a time; None: :data:`CPU_CHUNK` or :data:`GPU_CHUNK`.
    """

    kind: str
    temperature: float = 1.0
    chunk: int | None = None

    def tiles(self, weight: Tensor, rows: Rows, grid: Grid) -> Iterator[Tile]:
        """Tiles of the fine grid with a weight, each with at most ``chunk`` similarities (but one pixel)."""
        chunk = self.chunk or (GPU_CHUNK if weight.is_cuda else CPU_CHUNK)
        return grid.tiles(weight, max(1, chunk // len(rows.labels)))

    def exponents(self, embedding: Tensor, rows: Rows, tile: Tile) -> Tensor:
        """What a softmax over the bank is taken of: (p, D) -> (K, P)."""
        bias = rows.bias.unsqueeze(1)
        return tile.up(torch.addmm(bias, rows.features, embedding.T, alpha=1 / self.temperature))


def dot(embedding: Tensor, features: Tensor) -> Tensor:
    """Dot products: (B, D, h, w) and (K, D) -> (B, K, h, w)."""
    return torch.matmul(features, embedding.flatten(2)).unflatten(2, embedding.shape[2:])


def gathered_sum(embedding: Tensor, rows: Rows, scores: Tensor) -> Tensor:
    """Dot products times the scores of the rows' classes, summed over the bank.

    Args:
        embedding: (B, D, h, w).
        rows: the bank.
        scores: (B, C, h, w).

    Returns:
        (B, h, w).
    """
    return (dot(embedding, rows.class_sums) * scores).sum(dim=1)


def class_similarity(embedding: Tensor, rows: Rows, grid: Grid, how: Similarity) -> Tensor:
    """Scatter: the weights over the bank summed in each class, (B, C, H, W); the classes sum to 1.

    Args:
        embedding: (B, D, h, w).
        rows: the bank.
        grid: where to evaluate.
        how: normalisation. A pixel whose similarities sum to 0 gets zeros.
    """
    if how.kind == 'sum':
        found = grid.up(dot(embedding, rows.class_sums))
        return torch.nan_to_num(found / found.sum(1, keepdim=True), nan=0.0, posinf=0.0, neginf=0.0)
    found = embedding.new_empty(len(embedding), rows.num_classes, *grid.fine)
    pixels = embedding.permute(0, 2, 3, 1).contiguous()
    for tile in how.tiles(torch.ones_like(found[:, :1]), rows, grid):
        weights = how.exponents(tile.coarse(pixels), rows, tile).softmax(0)
        tile.put(rows.membership @ weights, found)
    return found
