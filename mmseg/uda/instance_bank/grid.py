"""Maps on the grid of the embedding, on the grid of the image, and the way back of gradients.

Dot products commute with bilinear up-sampling (docs/methods/dida.md#exact-cheaper-forms, item 3), so similarities are
computed on the coarse grid and only their ratios and logarithms on the fine one: tile by tile (:mod:`.tiles`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from mmseg.models.layers import resize
from mmseg.uda.instance_bank.tiles import Strip, Tile, parts


@dataclass(frozen=True)
class Grid:
    """A pair of grids.

    Attributes:
        coarse: (h, w) of the embedding.
        fine: (H, W) on which the loss is evaluated.
        align_corners: of the bilinear resize between them.
    """

    coarse: tuple[int, int]
    fine: tuple[int, int]
    align_corners: bool = False

    def up(self, x: Tensor) -> Tensor:
        """(B, K, h, w) -> (B, K, H, W)."""
        return resize(x, self.fine, self.align_corners)

    def adjoint(self, x: Tensor) -> Tensor:
        """The transpose of :meth:`up`, (B, K, H, W) -> (B, K, h, w): how a gradient goes back.

        On a GPU by two matrix products, because torch adds atomically there, in an order that differs from run
        to run.
        """
        if self.coarse == self.fine:
            return x
        if x.is_cuda:
            rows, columns = (self._weights(axis, x) for axis in (0, 1))
            return rows.T @ (x @ columns)
        shape = (*x.shape[:2], *self.coarse)
        return torch.ops.aten.upsample_bilinear2d_backward(x, self.fine, shape, self.align_corners)

    def tiles(self, weight: Tensor, pixels: int) -> Iterator[Tile]:
        """Nearly square pieces of the fine grid that together hold every pixel with a weight.

        Args:
            weight: (B, 1, H, W). On the CPU pixels whose weight is 0 are left out; a GPU would have to be waited
                for to know them.
            pixels: of a tile at most.
        """
        height, width = self.fine
        side = max(1, min(height, int(pixels**0.5)))
        axes = (self._parts(0, side, weight), self._parts(1, max(1, min(width, pixels // side)), weight))
        for image in range(len(weight)):
            for rows in axes[0]:
                for columns in axes[1]:
                    yield from Tile(image, rows, columns).where(weight)

    def _parts(self, axis: int, size: int, like: Tensor) -> list[Strip]:
        return _cached_parts(
            self.coarse[axis], self.fine[axis], self.align_corners, size, like.dtype, like.device
        )

    def _weights(self, axis: int, like: Tensor) -> Tensor:
        """(fine, coarse) weights of the interpolation along one axis."""
        weights = _axis_weights(self.coarse[axis], self.fine[axis], self.align_corners, like.dtype)
        return weights.to(like.device, non_blocking=True)


@lru_cache(maxsize=32)
def _cached_parts(
    coarse: int, fine: int, align_corners: bool, size: int, dtype: torch.dtype, device: torch.device
) -> list[Strip]:
    with torch.inference_mode(False):
        return parts(_axis_weights(coarse, fine, align_corners, dtype), size, device)


def _axis_weights(coarse: int, fine: int, align_corners: bool, dtype: torch.dtype) -> Tensor:
    unit = torch.eye(coarse, dtype=dtype)
    return resize(unit[None, None], (fine, coarse), align_corners)[0, 0]
