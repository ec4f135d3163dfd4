"""Pieces of the image on which all similarities to the bank are held at once.

A tile is small enough for its similarities, rows times pixels, to stay in the processor's cache; on a GPU it is as
large as the memory that is granted. Nothing is carried from one tile to the next but the gradient.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

MATRIX_LIMIT = 144
"""Coarse pixels of a tile up to which up-sampling is one matrix product instead of two."""


@dataclass(frozen=True)
class Strip:
    """An interval of one axis.

    Attributes:
        fine: which pixels.
        coarse: which pixels of the coarse axis they depend on.
        weights: (fine, coarse) of the interpolation between these.
    """

    fine: slice
    coarse: slice
    weights: Tensor


def parts(weights: Tensor, size: int, device: torch.device) -> list[Strip]:
    """Cut an axis into nearly equal intervals.

    Args:
        weights: (fine, coarse) of the whole axis, on the CPU.
        size: pixels of an interval at most.
        device: where the intervals' weights go.
    """
    found, start = [], 0
    for rows in weights.tensor_split(-(-len(weights) // size)):
        used = rows.any(dim=0).nonzero().flatten()
        coarse = slice(int(used[0]), int(used[-1]) + 1)
        found.append(
            Strip(
                slice(start, start + len(rows)),
                coarse,
                rows[:, coarse].contiguous().to(device, non_blocking=True),
            )
        )
        start += len(rows)
    return found


@dataclass(frozen=True)
class Tile:
    """A rectangle of one image, with p coarse and P fine pixels.

    Attributes:
        image: its number in the batch.
        rows, columns: where it lies.
        kept: int64 (P,), the pixels of the rectangle that count; None for all.
    """

    image: int
    rows: Strip
    columns: Strip
    kept: Tensor | None = None

    def where(self, weight: Tensor) -> Iterator['Tile']:
        """The tile without pixels of weight 0, or nothing if there are no others; on a GPU the tile as it is."""
        if weight.is_cuda or not self._single:
            yield self
            return
        kept = self.fine(weight)[0].nonzero().flatten()
        if len(kept) == self.rows.weights.shape[0] * self.columns.weights.shape[0]:
            yield self
        elif len(kept):
            yield replace(self, kept=kept)

    def coarse(self, x: Tensor) -> Tensor:
        """(B, h, w, D) -> (p, D)."""
        return x[self.image, self.rows.coarse, self.columns.coarse].flatten(0, 1)

    def fine(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (C, P)."""
        values = x[self.image, :, self.rows.fine, self.columns.fine].flatten(1)
        return values if self.kept is None else values.index_select(1, self.kept)

    def up(self, x: Tensor, factor: Tensor | None = None) -> Tensor:
        """(K, p) -> (K, P), bilinear, times ``factor`` (1, P)."""
        if self._single:
            return x @ self._scaled(factor)
        height, width = self.rows.weights, self.columns.weights
        found = (height @ (x.unflatten(1, (height.shape[1], -1)) @ width.T)).flatten(1)
        return found if factor is None else found.mul_(factor)

    def adjoint(self, x: Tensor, factor: Tensor | None = None) -> Tensor:
        """(K, P) -> (K, p), the transpose of :meth:`up`."""
        if self._single:
            return x @ self._scaled(factor).T
        height, width = self.rows.weights, self.columns.weights
        x = x if factor is None else x * factor
        return (height.T @ (x.unflatten(1, (len(height), -1)) @ width)).flatten(1)

    def _scaled(self, factor: Tensor | None) -> Tensor:
        return self._matrix if factor is None else self._matrix * factor

    def add(self, x: Tensor, to: Tensor) -> None:
        """(p, D) to its place in (B, h, w, D)."""
        place = to[self.image, self.rows.coarse, self.columns.coarse]
        place += x.view_as(place)

    def put(self, x: Tensor, to: Tensor) -> None:
        """(C, P) of a tile with all pixels to its place in (B, C, H, W)."""
        place = to[self.image, :, self.rows.fine, self.columns.fine]
        place.copy_(x.view_as(place))

    @property
    def _single(self) -> bool:
        return self.rows.weights.shape[1] * self.columns.weights.shape[1] <= MATRIX_LIMIT

    @cached_property
    def _matrix(self) -> Tensor:
        """(p, P)."""
        rows, columns = self.rows.weights.T, self.columns.weights.T
        matrix = (rows[:, None, :, None] * columns[None, :, None, :]).flatten(2).flatten(0, 1)
        return matrix if self.kept is None else matrix.index_select(1, self.kept)
