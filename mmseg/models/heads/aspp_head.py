"""DeepLabV3 and DeepLabV3+ heads (Chen et al., 2017 and 2018, arXiv:1706.05587, arXiv:1802.02611).

Written from docs/methods/heads.md#depthwiseseparableaspphead and #heads-without-an-experiment.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmseg.models.conv import ConvModule, DepthwiseSeparableConvModule
from mmseg.models.heads.aspp import aspp_branches, concat_branches, image_pool
from mmseg.models.heads.base import BaseDecodeHead, HeadOptions
from mmseg.models.layers import resize
from mmseg.options import AtLeastOne, Count, Several
from mmseg.registry import MODELS


@dataclass(frozen=True, kw_only=True)
class ASPPOptions(HeadOptions):
    """Options of :class:`ASPPHead`, besides those of every head.

    Attributes:
        in_channels, in_index: channels and position of the feature level.
        dilations: one branch each; dilation 1 is a 1x1 convolution.
    """

    in_channels: int
    in_index: int = -1
    dilations: Several[AtLeastOne] = (1, 6, 12, 18)


@MODELS.register_module()
class ASPPHead(BaseDecodeHead):
    """DeepLabV3: global average and dilated convolutions, fused by a 3x3 convolution (:class:`ASPPOptions`)."""

    Options = ASPPOptions
    options: ASPPOptions

    def build_layers(self) -> None:
        options = self.options
        in_channels, channels, dilations = options.in_channels, self.channels, options.dilations
        self.image_pool = image_pool(in_channels, channels, self.norm_cfg, self.act_cfg)
        self.aspp_modules = aspp_branches(
            in_channels, channels, dilations, False, self.norm_cfg, self.act_cfg
        )
        self.bottleneck = self.conv_module((len(dilations) + 1) * channels, channels, 3)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        x = self.select_inputs(features)
        return self.bottleneck(concat_branches(x, self.image_pool, self.aspp_modules, self.align_corners))


@dataclass(frozen=True, kw_only=True)
class SeparableASPPOptions(HeadOptions):
    """Options of :class:`DepthwiseSeparableASPPHead`, besides those of every head.

    Attributes:
        in_channels, in_index: channels and position of the deepest feature level.
        c1_in_channels: channels of feature level 0; 0: do without that level.
        c1_channels: channels it is reduced to.
        dilations: one branch each; dilation 1 is a 1x1 convolution.
    """

    in_channels: int
    in_index: int = -1
    c1_in_channels: Count
    c1_channels: AtLeastOne
    dilations: Several[AtLeastOne] = (1, 6, 12, 18)


@MODELS.register_module()
class DepthwiseSeparableASPPHead(BaseDecodeHead):
    """DeepLabV3+: depthwise-separable pyramid on the deepest level, refined with the finest level.

    Arguments: :class:`SeparableASPPOptions`.
    """

    Options = SeparableASPPOptions
    options: SeparableASPPOptions

    def build_layers(self) -> None:
        options = self.options
        in_channels, channels, dilations = options.in_channels, self.channels, options.dilations
        c1_in_channels, c1_channels = options.c1_in_channels, options.c1_channels
        self.image_pool = image_pool(in_channels, channels, self.norm_cfg, self.act_cfg)
        self.aspp_modules = aspp_branches(in_channels, channels, dilations, True, self.norm_cfg, self.act_cfg)
        self.bottleneck = self.conv_module((len(dilations) + 1) * channels, channels, 3)
        self.c1_bottleneck: ConvModule | None = None
        if c1_in_channels > 0:
            self.c1_bottleneck = self.conv_module(c1_in_channels, c1_channels, 1)
        inputs = channels + (c1_channels if c1_in_channels > 0 else 0)
        self.sep_bottleneck = nn.Sequential(
            *(
                DepthwiseSeparableConvModule(
                    count, channels, 3, padding=1, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg
                )
                for count in (inputs, channels)
            )
        )

    def output_stride(self, strides: Sequence[int]) -> int:
        return super().output_stride(strides) if self.c1_bottleneck is None else strides[0]

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        x = self.select_inputs(features)
        x = self.bottleneck(concat_branches(x, self.image_pool, self.aspp_modules, self.align_corners))
        if self.c1_bottleneck is not None:
            fine = self.c1_bottleneck(features[0])
            x = torch.cat([resize(x, (fine.shape[2], fine.shape[3]), self.align_corners), fine], dim=1)
        return self.sep_bottleneck(x)
