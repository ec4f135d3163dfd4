"""Atrous spatial pyramid pooling block (spec/models.md 5.1)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmseg.models.conv import ConvModule, DepthwiseSeparableConvModule, Style
from mmseg.models.layers import resize


class ASPPBlock(nn.Module):
    """Parallel dilated convolutions, concatenated and fused by a 3x3 convolution; (B, in, h, w) -> (B, out, h, w).

    Args:
        in_channels, channels: channels of input and output (and of each branch).
        sep: depthwise-separable branches.
        dilations: one branch each; dilation 1 is a 1x1 convolution.
        pool: add a branch of the global average.
        norm_cfg, act_cfg: of the ConvModules.
        context: a further branch, in_channels -> channels, or None.
        align_corners: of resizing the pooled branch.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        sep: bool,
        dilations: Sequence[int],
        pool: bool,
        norm_cfg: Style,
        act_cfg: Style,
        context: nn.Module | None = None,
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.image_pool: nn.Module | None = None
        if pool:
            pooled = ConvModule(in_channels, channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg)
            self.image_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), pooled)
        self.context_layer = context
        dilated: type[nn.Module] = DepthwiseSeparableConvModule if sep else ConvModule
        self.aspp_modules = nn.ModuleList(
            ConvModule(in_channels, channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg)
            if dilation == 1
            else dilated(
                in_channels,
                channels,
                3,
                padding=dilation,
                dilation=dilation,
                norm_cfg=norm_cfg,
                act_cfg=act_cfg,
            )
            for dilation in dilations
        )
        branches = len(dilations) + int(pool) + int(context is not None)
        self.bottleneck = ConvModule(
            branches * channels, channels, 3, padding=1, norm_cfg=norm_cfg, act_cfg=act_cfg
        )

    def forward(self, x: Tensor) -> Tensor:
        outputs = []
        if self.image_pool is not None:
            outputs.append(resize(self.image_pool(x), (x.shape[2], x.shape[3]), self.align_corners))
        if self.context_layer is not None:
            outputs.append(self.context_layer(x))
        outputs.extend(branch(x) for branch in self.aspp_modules)
        return self.bottleneck(torch.cat(outputs, dim=1))
