"""UPerNet head (Xiao et al., 2018, arXiv:1807.10221; docs/methods/heads.md#uperhead)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmseg.models.heads.base import BaseDecodeHead, HeadOptions
from mmseg.models.heads.psp import PyramidPooling
from mmseg.models.layers import resize
from mmseg.options import AtLeastOne, Several
from mmseg.registry import MODELS


@dataclass(frozen=True, kw_only=True)
class UPerOptions(HeadOptions):
    """Options of :class:`UPerHead`, besides those of every head.

    Attributes:
        in_channels, in_index: channels and positions of the feature levels, finest first.
        pool_scales: side lengths of the pooled grids.
    """

    in_channels: Sequence[int]
    in_index: Sequence[int] = (0, 1, 2, 3)
    pool_scales: Several[AtLeastOne] = (1, 2, 3, 6)


@MODELS.register_module()
class UPerHead(BaseDecodeHead):
    """Pyramid pooling on the deepest level, feature pyramid over all, fused at the finest level's size.

    Arguments: :class:`UPerOptions`.
    """

    Options = UPerOptions
    options: UPerOptions
    input_transform = 'multiple_select'

    def build_layers(self) -> None:
        options = self.options
        channels = self.channels
        *finer, deepest = options.in_channels
        self.psp_modules = PyramidPooling(
            options.pool_scales, deepest, channels, self.norm_cfg, self.act_cfg, self.align_corners
        )
        self.bottleneck = self.conv_module(self.psp_modules.out_channels, channels, 3)
        self.lateral_convs = nn.ModuleList(self.conv_module(count, channels, 1) for count in finer)
        self.fpn_convs = nn.ModuleList(self.conv_module(channels, channels, 3) for _ in finer)
        self.fpn_bottleneck = self.conv_module(len(options.in_channels) * channels, channels, 3)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        *finer, deepest = self.select_inputs(features)
        x = self.bottleneck(self.psp_modules(deepest))
        maps = [x]
        for i in reversed(range(len(finer))):
            fine = self.lateral_convs[i](finer[i])
            x = fine + resize(x, (fine.shape[2], fine.shape[3]), self.align_corners)
            maps.insert(0, self.fpn_convs[i](x))
        size = (maps[0].shape[2], maps[0].shape[3])
        return self.fpn_bottleneck(torch.cat([resize(y, size, self.align_corners) for y in maps], dim=1))
