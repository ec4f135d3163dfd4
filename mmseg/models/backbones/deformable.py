"""Multi-scale deformable attention (Zhu et al., ICLR 2021, arXiv:2010.04159, section 4.1), written from the paper.

Each query looks at a few points of each map, at places and with weights that it tells itself. Values between cells are
interpolated bilinearly (``grid_sample``); outside of a map they are 0.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.models.layers import map_of

Size = tuple[int, int]


def centres(sizes: Sequence[Size], device: torch.device | None = None) -> Tensor:
    """Centres of the cells of maps, in shares of width and height, row by row: (sum of h * w, 2), x first."""
    points = []
    for height, width in sizes:
        rows = (torch.arange(height, device=device) + 0.5) / height
        columns = (torch.arange(width, device=device) + 0.5) / width
        y, x = torch.meshgrid(rows, columns, indexing='ij')
        points.append(torch.stack([x, y], dim=-1).flatten(0, 1))
    return torch.cat(points)


class DeformableAttention(nn.Module):
    """Attention of tokens to a few points of maps; (B, N, C) -> (B, N, C).

    Args:
        channels: C of queries and values, divisible by ``heads``.
        levels: number of maps.
        heads: attention heads.
        points: points of each map and head.
        ratio: channels of the values inside, as a share of C.
    """

    def __init__(self, channels: int, levels: int, heads: int, points: int = 4, ratio: float = 0.5) -> None:
        super().__init__()
        self.levels, self.heads, self.points = levels, heads, points
        width = heads * max(int(channels * ratio) // heads, 1)
        self.offsets = nn.Linear(channels, heads * levels * points * 2)
        self.weights = nn.Linear(channels, heads * levels * points)
        self.value = nn.Linear(channels, width)
        self.out = nn.Linear(width, channels)
        self._init_offsets()

    def _init_offsets(self) -> None:
        """At the start all weights are equal, and point k of a head lies k cells away in the head's direction."""
        nn.init.zeros_(self.offsets.weight)
        nn.init.zeros_(self.weights.weight)
        nn.init.zeros_(self.weights.bias)
        angles = torch.arange(self.heads) * (2 * math.pi / self.heads)
        directions = torch.stack([angles.cos(), angles.sin()], dim=-1)
        directions = directions / directions.abs().amax(dim=-1, keepdim=True)
        steps = torch.arange(1, self.points + 1)
        places = directions[:, None, None, :] * steps[None, None, :, None]
        with torch.no_grad():
            self.offsets.bias.copy_(places.expand(-1, self.levels, -1, -1).reshape(-1))

    def forward(self, queries: Tensor, places: Tensor, values: Tensor, sizes: Sequence[Size]) -> Tensor:
        """What the queries see.

        Args:
            queries: (B, N, C).
            places: where they are, (N, 2), see :func:`centres`.
            values: tokens of the maps one after another, (B, sum of h * w, C).
            sizes: (h, w) of each map.
        """
        batch, count, _ = queries.shape
        shape = (batch, count, self.heads, self.levels, self.points)
        offsets = self.offsets(queries).view(*shape, 2)
        weights = self.weights(queries).view(batch, count, self.heads, -1).softmax(dim=-1).view(shape)
        tokens = self.value(values).split([height * width for height, width in sizes], dim=1)
        found = torch.zeros((), device=queries.device)
        for level, (height, width) in enumerate(sizes):
            cells = torch.tensor([width, height], device=queries.device)
            grid = 2 * (places[None, :, None, None] + offsets[:, :, :, level] / cells) - 1
            sampled = self._sampled(map_of(tokens[level], height, width), grid)
            # (B * heads, d, N, points) with (B * heads, 1, N, points)
            share = weights[:, :, :, level].transpose(1, 2).flatten(0, 1).unsqueeze(1)
            found = found + (sampled * share).sum(dim=-1)
        joined = found.view(batch, -1, count).transpose(1, 2)
        seen: Tensor = self.out(joined)
        return seen

    def _sampled(self, values: Tensor, grid: Tensor) -> Tensor:
        """Values (B, heads * d, h, w) at grid (B, N, heads, points, 2) in [-1, 1]: (B * heads, d, N, points)."""
        split = values.reshape(-1, values.shape[1] // self.heads, *values.shape[2:])
        places = grid.transpose(1, 2).flatten(0, 1).to(split.dtype)
        return F.grid_sample(split, places, mode='bilinear', padding_mode='zeros', align_corners=False)
