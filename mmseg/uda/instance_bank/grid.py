"""Maps on the grid of the embedding, on the grid of the image, and the way back of gradients.

Dot products commute with bilinear up-sampling (spec/dida.md 4.2, item 3), so similarities are computed on the
coarse grid and only their ratios and logarithms on the fine one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmseg.models.layers import resize


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

    def _weights(self, axis: int, like: Tensor) -> Tensor:
        """(fine, coarse) weights of the interpolation along one axis."""
        unit = torch.eye(self.coarse[axis], dtype=like.dtype, device=like.device)
        return resize(unit[None, None], (self.fine[axis], self.coarse[axis]), self.align_corners)[0, 0]
