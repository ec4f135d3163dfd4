"""Simple feature pyramid: maps of several strides from one (Li et al., ECCV 2022, arXiv:2203.16527, section 3).

A plain transformer has one map, at the stride of its patches. Finer levels are made of it by transposed convolutions
of stride 2 (norm and GELU between two), coarser ones by max pooling; then each level passes a 1x1 and a 3x3
convolution, both with layer norm over the channels. Written from the paper's text.
"""

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.models.levels import Levels

STRIDES = (4, 8, 16, 32)
"""What decoders count on."""


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each position of a map (B, C, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Resampling(nn.Sequential):
    """A map at another stride; (B, in_channels, h, w) -> (B, :attr:`channels`, h * factor, w * factor).

    Args:
        in_channels: of the map.
        factor: a power of two; below 1 sizes are rounded up.
    """

    def __init__(self, in_channels: int, factor: float) -> None:
        layers: list[nn.Module] = []
        channels = in_channels
        doublings = round(math.log2(factor))
        for i in range(doublings):
            if i:
                layers += [ChannelNorm(channels), nn.GELU()]
            half = max(channels // 2, 1)
            layers.append(nn.ConvTranspose2d(channels, half, 2, stride=2))
            channels = half
        layers += [nn.MaxPool2d(2, stride=2, ceil_mode=True) for _ in range(-doublings)]
        super().__init__(*layers)
        self.channels = channels


class SimplePyramid(nn.Module):
    """Completes maps to the strides 4, 8, 16 and 32.

    Args:
        levels: the encoder's own maps, finest first. Where several have one stride, as those of the blocks of a plain
            transformer have, each is the source of one level; a single one is the source of all.
        channels: of each level that is made.

    Attributes:
        levels: the maps that come out: finest first, the encoder's own at their places. The last is always the deepest
            that the encoder itself made, which the feature distance compares.
    """

    def __init__(self, levels: Levels, channels: int) -> None:
        super().__init__()
        self.own = levels
        plain = len(set(levels.strides)) == 1
        kept = {} if plain else {stride: i for i, stride in enumerate(levels.strides)}
        targets = sorted({*STRIDES, *kept})
        self.plan = [
            (stride, kept.get(stride), _source(levels, stride, rank, plain))
            for rank, stride in enumerate(targets)
        ]
        self.made = nn.ModuleDict()
        found: list[tuple[int, int]] = []
        for stride, own, source in self.plan:
            if own is None:
                self.made[str(stride)] = _made(levels, source, stride, channels)
            found.append((channels if own is None else levels.channels[own], stride))
        last = (levels.channels[-1], levels.strides[-1])
        self.repeats_deepest = self.plan[-1][1] is None
        found += [last] if self.repeats_deepest else []
        self.levels = Levels(tuple(c for c, _ in found), tuple(s for _, s in found))

    def forward(self, maps: Sequence[Tensor], size: Sequence[int]) -> list[Tensor]:
        """Own maps -> all maps; those that are made have ceil(size / stride) cells.

        Args:
            maps: (B, C_i, h_i, w_i), finest first.
            size: (H, W) of the image.
        """
        found = []
        for stride, own, source in self.plan:
            if own is not None:
                found.append(maps[own])
                continue
            grid = [-(-length // stride) for length in size]
            made = self.made[str(stride)](maps[source])
            found.append(_at_least(made, grid)[:, :, : grid[0], : grid[1]])
        return [*found, maps[-1]] if self.repeats_deepest else found


def _source(levels: Levels, stride: int, rank: int, plain: bool) -> int:
    """Which own map a level is made of: the one of its rank, or else the one of the nearest stride."""
    if plain:
        return rank if len(levels.strides) == len(STRIDES) else len(levels.strides) - 1
    distances = [abs(math.log2(own / stride)) for own in levels.strides]
    return distances.index(min(distances))


def _made(levels: Levels, source: int, stride: int, channels: int) -> nn.Module:
    resampled = Resampling(levels.channels[source], levels.strides[source] / stride)
    return nn.Sequential(
        resampled,
        nn.Conv2d(resampled.channels, channels, 1, bias=False),
        ChannelNorm(channels),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        ChannelNorm(channels),
    )


def _at_least(x: Tensor, grid: Sequence[int]) -> Tensor:
    """The map with edge cells repeated where an encoder that rounds down has fewer cells than ``grid``."""
    missing = [max(want - have, 0) for want, have in zip(grid, x.shape[2:], strict=True)]
    return F.pad(x, (0, missing[1], 0, missing[0]), mode='replicate') if any(missing) else x
