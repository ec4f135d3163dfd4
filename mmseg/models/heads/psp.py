"""Pyramid pooling module (Zhao et al., 2017, arXiv:1612.01105; docs/methods/heads.md#uperhead)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmseg.models.conv import ConvModule, Style
from mmseg.models.layers import resize


class PyramidPooling(nn.ModuleList):
    """Averages over grids of several sizes beside the map itself.

    (B, in, h, w) -> (B, in + len(pool_scales) * channels, h, w). The children are named by number alone.

    Args:
        pool_scales: side lengths of the grids.
        in_channels: channels of the map.
        channels: channels of each pooled branch.
        norm_cfg, act_cfg: of the ConvModules.
        align_corners: of resizing the branches to the map's size.
    """

    def __init__(
        self,
        pool_scales: Sequence[int],
        in_channels: int,
        channels: int,
        norm_cfg: Style,
        act_cfg: Style,
        align_corners: bool = False,
    ) -> None:
        super().__init__(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(scale),
                ConvModule(in_channels, channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg),
            )
            for scale in pool_scales
        )
        self.align_corners = align_corners
        self.out_channels = in_channels + len(pool_scales) * channels

    def forward(self, x: Tensor) -> Tensor:
        size = (x.shape[2], x.shape[3])
        return torch.cat([x, *(resize(branch(x), size, self.align_corners) for branch in self)], dim=1)
