"""Atrous spatial pyramid pooling: the parts, and the block made of them (docs/methods/heads.md#daformerhead).

Heads that carry the parts as children of their own (docs/methods/heads.md#depthwiseseparableaspphead) use the
functions.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmseg.models.conv import ConvModule, DepthwiseSeparableConvModule, Style
from mmseg.models.layers import resize


def image_pool(in_channels: int, channels: int, norm_cfg: Style, act_cfg: Style) -> nn.Sequential:
    """Branch of the global average: (B, in, h, w) -> (B, channels, 1, 1)."""
    pooled = ConvModule(in_channels, channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), pooled)


def aspp_branches(
    in_channels: int, channels: int, dilations: Sequence[int], sep: bool, norm_cfg: Style, act_cfg: Style
) -> nn.ModuleList:
    """One branch a dilation, (B, in, h, w) -> (B, channels, h, w); dilation 1 is a 1x1 convolution.

    Args:
        in_channels, channels, dilations: of the branches.
        sep: depthwise-separable where the kernel is 3x3.
        norm_cfg, act_cfg: of the ConvModules.
    """
    dilated: type[nn.Module] = DepthwiseSeparableConvModule if sep else ConvModule
    return nn.ModuleList(
        ConvModule(in_channels, channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg)
        if dilation == 1
        else dilated(
            in_channels, channels, 3, padding=dilation, dilation=dilation, norm_cfg=norm_cfg, act_cfg=act_cfg
        )
        for dilation in dilations
    )


def concat_branches(
    x: Tensor,
    pool: nn.Module | None,
    branches: nn.ModuleList,
    align_corners: bool,
    context: nn.Module | None = None,
) -> Tensor:
    """Outputs of pool (resized back), context and branches on (B, in, h, w), concatenated over channels."""
    outputs = []
    if pool is not None:
        outputs.append(resize(pool(x), (x.shape[2], x.shape[3]), align_corners))
    if context is not None:
        outputs.append(context(x))
    outputs.extend(branch(x) for branch in branches)
    return torch.cat(outputs, dim=1)


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
        self.image_pool = image_pool(in_channels, channels, norm_cfg, act_cfg) if pool else None
        self.context_layer = context
        self.aspp_modules = aspp_branches(in_channels, channels, dilations, sep, norm_cfg, act_cfg)
        branches = len(dilations) + int(pool) + int(context is not None)
        self.bottleneck = ConvModule(
            branches * channels, channels, 3, padding=1, norm_cfg=norm_cfg, act_cfg=act_cfg
        )

    def forward(self, x: Tensor) -> Tensor:
        branches = concat_branches(
            x, self.image_pool, self.aspp_modules, self.align_corners, self.context_layer
        )
        return self.bottleneck(branches)
