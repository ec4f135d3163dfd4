"""DeepLabV3 and DeepLabV3+ heads (Chen et al., 2017 and 2018, arXiv:1706.05587, arXiv:1802.02611).

Written from docs/methods/heads.md#depthwiseseparableaspphead and #heads-without-an-experiment.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmseg.models.conv import ConvModule, DepthwiseSeparableConvModule
from mmseg.models.heads.aspp import aspp_branches, concat_branches, image_pool
from mmseg.models.heads.base import BaseDecodeHead
from mmseg.models.initialization import InitConfig
from mmseg.models.layers import resize
from mmseg.options import AtLeastOne, Count, Rate, Several
from mmseg.registry import MODELS


@MODELS.register_module()
class ASPPHead(BaseDecodeHead):
    """DeepLabV3: global average and dilated convolutions, fused by a 3x3 convolution.

    Args:
        in_channels, in_index: channels and position of the feature level.
        channels, num_classes, dropout_ratio, norm_cfg, act_cfg, loss_decode, ignore_index, sampler, align_corners,
            init_cfg: see :class:`~mmseg.models.heads.base.BaseDecodeHead`.
        dilations: one branch each; dilation 1 is a 1x1 convolution.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        num_classes: int,
        dilations: Several[AtLeastOne] = (1, 6, 12, 18),
        dropout_ratio: Rate = 0.1,
        norm_cfg: Mapping[str, Any] | None = None,
        act_cfg: Mapping[str, Any] | None = None,
        in_index: int = -1,
        loss_decode: Mapping[str, Any] | None = None,
        ignore_index: int = 255,
        sampler: Mapping[str, Any] | None = None,
        align_corners: bool = False,
        init_cfg: InitConfig | None = None,
    ) -> None:
        super().__init__(
            in_channels, channels, num_classes, dropout_ratio, norm_cfg, act_cfg, in_index, None,
            loss_decode, ignore_index, sampler, align_corners, init_cfg,
        )  # fmt: skip
        self.image_pool = image_pool(in_channels, channels, self.norm_cfg, self.act_cfg)
        self.aspp_modules = aspp_branches(
            in_channels, channels, dilations, False, self.norm_cfg, self.act_cfg
        )
        self.bottleneck = self.conv_module((len(dilations) + 1) * channels, channels, 3)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        x = self.select_inputs(features)
        return self.bottleneck(concat_branches(x, self.image_pool, self.aspp_modules, self.align_corners))


@MODELS.register_module()
class DepthwiseSeparableASPPHead(BaseDecodeHead):
    """DeepLabV3+: depthwise-separable pyramid on the deepest level, refined with the finest level.

    Args:
        in_channels, in_index: channels and position of the deepest feature level.
        c1_in_channels: channels of feature level 0; 0: do without that level.
        c1_channels: channels it is reduced to.
        channels, num_classes, dropout_ratio, norm_cfg, act_cfg, loss_decode, ignore_index, sampler, align_corners,
            init_cfg: see :class:`~mmseg.models.heads.base.BaseDecodeHead`.
        dilations: one branch each; dilation 1 is a 1x1 convolution.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        num_classes: int,
        c1_in_channels: Count,
        c1_channels: AtLeastOne,
        dilations: Several[AtLeastOne] = (1, 6, 12, 18),
        dropout_ratio: Rate = 0.1,
        norm_cfg: Mapping[str, Any] | None = None,
        act_cfg: Mapping[str, Any] | None = None,
        in_index: int = -1,
        loss_decode: Mapping[str, Any] | None = None,
        ignore_index: int = 255,
        sampler: Mapping[str, Any] | None = None,
        align_corners: bool = False,
        init_cfg: InitConfig | None = None,
    ) -> None:
        super().__init__(
            in_channels, channels, num_classes, dropout_ratio, norm_cfg, act_cfg, in_index, None,
            loss_decode, ignore_index, sampler, align_corners, init_cfg,
        )  # fmt: skip
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
