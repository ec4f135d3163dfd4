"""An adapter beside a plain transformer (Chen et al., 'ViT-Adapter', ICLR 2023, arXiv:2205.08534, section 3).

Convolutions make maps of strides 8, 16 and 32 of the image. At the start of each of a few groups of blocks the
transformer looks at them (injector), at its end they look at the transformer (extractor); in the end they are the
maps, with one of stride 4 above. The transformer itself is not changed: what its blocks are given is exchanged at the
borders of the groups. Written from the paper's text; its code was not looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.backbones.deformable import DeformableAttention, Size, centres
from mmseg.models.backbones.pyramid import STRIDES, ChannelNorm
from mmseg.models.layers import map_of, tokens_of
from mmseg.models.levels import Levels
from mmseg.options import AtLeastOne, NoOptions

Run = Callable[[Tensor], Sequence[Tensor]]


def _convolution(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    layer = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(layer, ChannelNorm(channels), nn.ReLU(inplace=True))


class SpatialPrior(nn.Module):
    """Maps of strides 8, 16 and 32 from convolutions; image (B, 3, H, W) -> three maps of ``channels``.

    Args:
        channels: of the maps.
        width: of the stem; doubles twice behind it.
        in_chans: of the image.
    """

    def __init__(self, channels: int, width: int = 64, in_chans: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _convolution(in_chans, width, 2),
            _convolution(width, width, 1),
            _convolution(width, width, 1),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        widths = (width, 2 * width, 4 * width, 4 * width)
        self.stages = nn.ModuleList(_convolution(widths[i], widths[i + 1], 2) for i in range(3))
        self.projections = nn.ModuleList(nn.Conv2d(count, channels, 1) for count in widths[1:])

    def forward(self, img: Tensor) -> list[Tensor]:
        x = self.stem(img)
        maps = []
        for stage, projection in zip(self.stages, self.projections, strict=True):
            x = stage(x)
            maps.append(projection(x))
        return maps


class Injector(nn.Module):
    """Adds what the transformer's tokens see of the spatial maps; nothing at the start (gamma is 0)."""

    def __init__(self, channels: int, heads: int, points: int) -> None:
        super().__init__()
        self.query_norm, self.value_norm = nn.LayerNorm(channels, eps=1e-6), nn.LayerNorm(channels, eps=1e-6)
        self.attention = DeformableAttention(channels, 3, heads, points)
        self.gamma = nn.Parameter(torch.zeros(channels))

    def forward(self, tokens: Tensor, grid: Size, spatial: Tensor, sizes: Sequence[Size]) -> Tensor:
        """Tokens (B, h * w, C) and spatial tokens (B, S, C) -> tokens."""
        places = centres([grid], tokens.device)
        seen = self.attention(self.query_norm(tokens), places, self.value_norm(spatial), sizes)
        return tokens + self.gamma * seen


class Extractor(nn.Module):
    """Spatial tokens look at the transformer's; then a narrow feed-forward layer with a depthwise convolution."""

    def __init__(self, channels: int, heads: int, points: int, ratio: float = 0.25) -> None:
        super().__init__()
        self.query_norm, self.value_norm = nn.LayerNorm(channels, eps=1e-6), nn.LayerNorm(channels, eps=1e-6)
        self.attention = DeformableAttention(channels, 1, heads, points)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        hidden = max(int(channels * ratio), 1)
        self.fc1, self.fc2 = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
        self.depthwise = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.activate = nn.GELU()

    def forward(self, spatial: Tensor, sizes: Sequence[Size], tokens: Tensor, grid: Size) -> Tensor:
        """Spatial tokens (B, S, C) and tokens (B, h * w, C) -> spatial tokens."""
        places = centres(sizes, spatial.device)
        spatial = spatial + self.attention(self.query_norm(spatial), places, self.value_norm(tokens), [grid])
        hidden = self.fc1(self.norm(spatial)).split([height * width for height, width in sizes], dim=1)
        mixed = [
            tokens_of(self.depthwise(map_of(x.contiguous(), *size)))
            for x, size in zip(hidden, sizes, strict=True)
        ]
        return spatial + self.fc2(self.activate(torch.cat(mixed, dim=1)))


@dataclass(frozen=True)
class AdapterOptions(NoOptions):
    """Options of :class:`ViTAdapter`.

    Attributes:
        interactions: number of groups of blocks.
        heads: of the attention between both; None: as many as there are times 64 channels.
        points: that each of them looks at in a map.
    """

    interactions: AtLeastOne = 4
    heads: AtLeastOne | None = None
    points: AtLeastOne = 4


class ViTAdapter(nn.Module):
    """Maps of strides 4, 8, 16 and 32 from a plain transformer and an image.

    Args:
        model: of timm, with ``blocks`` that take tokens (B, N, C).
        deepest: channels and stride of its own map.
        in_chans: image channels.
        options: of the adapter.

    Raises:
        ConfigError: the transformer has fewer blocks, or none of this kind.
    """

    def __init__(self, model: Any, deepest: Levels, options: AdapterOptions, in_chans: int = 3) -> None:
        super().__init__()
        blocks, channels = getattr(model, 'blocks', ()), deepest.channels[-1]
        interactions, points = options.interactions, options.points
        if interactions > len(blocks) or not hasattr(model, 'num_prefix_tokens'):
            raise ConfigError(
                f'backbone.adapter.interactions is {interactions}, but {type(model).__name__} has {len(blocks)} blocks '
                'of tokens; expected a plain transformer with at least as many. Leave adapter out for other networks.'
            )
        heads = options.heads or max(channels // 64, 1)
        self.prefix = int(model.num_prefix_tokens)
        borders = [round(i * len(blocks) / interactions) for i in range(interactions + 1)]
        self.groups = [(borders[i], borders[i + 1] - 1) for i in range(interactions)]
        self.prior = SpatialPrior(channels, in_chans=in_chans)
        self.level_embedding = nn.Parameter(torch.zeros(3, channels))
        self.injectors = nn.ModuleList(Injector(channels, heads, points) for _ in self.groups)
        self.extractors = nn.ModuleList(Extractor(channels, heads, points) for _ in self.groups)
        self.up = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.norms = nn.ModuleList(ChannelNorm(channels) for _ in STRIDES)
        self.levels = Levels((channels,) * 4 + deepest.channels[-1:], STRIDES + deepest.strides[-1:])

    def forward(self, img: Tensor, blocks: Sequence[nn.Module], run: Run, grid: Size) -> list[Tensor]:
        """All maps, the transformer's own last.

        Args:
            img: (B, 3, H, W), of a size that the transformer takes.
            blocks: its blocks, which ``run`` calls in order.
            run: the transformer, images to its own maps.
            grid: (h, w) of its tokens.
        """
        maps = self.prior(img)
        sizes = [(x.shape[2], x.shape[3]) for x in maps]
        tokens = [tokens_of(x) + embedding for x, embedding in zip(maps, self.level_embedding, strict=True)]
        state = {'spatial': torch.cat(tokens, dim=1)}
        with self._exchanging(blocks, state, sizes, grid):
            own = run(img)[-1]
        found = [
            map_of(x.contiguous(), *size)
            for x, size in zip(state['spatial'].split([h * w for h, w in sizes], dim=1), sizes, strict=True)
        ]
        found = [self.up(found[0]), *found]
        return [*(norm(x) for norm, x in zip(self.norms, found, strict=True)), own]

    @contextmanager
    def _exchanging(
        self, blocks: Sequence[nn.Module], state: dict[str, Tensor], sizes: Sequence[Size], grid: Size
    ) -> Iterator[None]:
        """Injectors in front of the groups and extractors behind them, as long as it is entered."""
        handles = []
        for (first, last), injector, extractor in zip(
            self.groups, self.injectors, self.extractors, strict=True
        ):

            def inject(
                _: nn.Module, given: tuple[Tensor, ...], part: nn.Module = injector
            ) -> tuple[Tensor, ...]:
                tokens = self._checked(given[0], grid)
                changed = part(tokens[:, self.prefix :], grid, state['spatial'], sizes)
                return (torch.cat([tokens[:, : self.prefix], changed], dim=1), *given[1:])

            def extract(_: nn.Module, given: object, tokens: Tensor, part: nn.Module = extractor) -> None:
                state['spatial'] = part(state['spatial'], sizes, tokens[:, self.prefix :], grid)

            handles += [
                blocks[first].register_forward_pre_hook(inject),
                blocks[last].register_forward_hook(extract),
            ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _checked(self, tokens: Tensor, grid: Size) -> Tensor:
        if tokens.ndim != 3 or tokens.shape[1] != self.prefix + grid[0] * grid[1]:
            raise ConfigError(
                f'backbone.adapter: the blocks of this transformer get {tuple(tokens.shape)}; expected tokens '
                f'(B, {self.prefix} + {grid[0]} x {grid[1]}, C). Leave adapter out.'
            )
        return tokens
