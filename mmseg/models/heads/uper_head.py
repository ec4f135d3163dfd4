"""UPerNet head (Xiao et al., 2018, arXiv:1807.10221; docs/methods/heads.md#uperhead)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmseg.models.heads.base import BaseDecodeHead
from mmseg.models.heads.psp import PyramidPooling
from mmseg.models.initialization import InitConfig
from mmseg.models.layers import resize
from mmseg.options import AtLeastOne, Rate, Several
from mmseg.registry import MODELS


@MODELS.register_module()
class UPerHead(BaseDecodeHead):
    """Pyramid pooling on the deepest level, feature pyramid over all, fused at the finest level's size.

    Args:
        in_channels, in_index: channels and positions of the feature levels, finest first.
        channels, num_classes, dropout_ratio, norm_cfg, act_cfg, loss_decode, ignore_index, sampler, align_corners,
            init_cfg: see :class:`~mmseg.models.heads.base.BaseDecodeHead`.
        pool_scales: side lengths of the pooled grids.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: int,
        num_classes: int,
        pool_scales: Several[AtLeastOne] = (1, 2, 3, 6),
        dropout_ratio: Rate = 0.1,
        norm_cfg: Mapping[str, Any] | None = None,
        act_cfg: Mapping[str, Any] | None = None,
        in_index: Sequence[int] = (0, 1, 2, 3),
        loss_decode: Mapping[str, Any] | None = None,
        ignore_index: int = 255,
        sampler: Mapping[str, Any] | None = None,
        align_corners: bool = False,
        init_cfg: InitConfig | None = None,
    ) -> None:
        super().__init__(
            in_channels, channels, num_classes, dropout_ratio, norm_cfg, act_cfg, in_index, 'multiple_select',
            loss_decode, ignore_index, sampler, align_corners, init_cfg,
        )  # fmt: skip
        *finer, deepest = in_channels
        self.psp_modules = PyramidPooling(
            pool_scales, deepest, channels, self.norm_cfg, self.act_cfg, align_corners
        )
        self.bottleneck = self.conv_module(self.psp_modules.out_channels, channels, 3)
        self.lateral_convs = nn.ModuleList(self.conv_module(count, channels, 1) for count in finer)
        self.fpn_convs = nn.ModuleList(self.conv_module(channels, channels, 3) for _ in finer)
        self.fpn_bottleneck = self.conv_module(len(in_channels) * channels, channels, 3)

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
