"""FCN head (Long et al., 2015, arXiv:1411.4038; docs/methods/heads.md#heads-without-an-experiment)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.conv import ConvModule
from mmseg.models.heads.base import BaseDecodeHead
from mmseg.models.initialization import InitConfig
from mmseg.options import AtLeastOne, Count, Rate
from mmseg.registry import MODELS


@MODELS.register_module()
class FCNHead(BaseDecodeHead):
    """A few convolutions; optionally one more on their result and their input.

    Args:
        in_channels, in_index: channels and position of the feature level.
        channels, num_classes, dropout_ratio, norm_cfg, act_cfg, loss_decode, ignore_index, sampler, align_corners,
            init_cfg: see :class:`~mmseg.models.heads.base.BaseDecodeHead`.
        num_convs: number of convolutions; 0 needs ``in_channels`` equal to ``channels``.
        kernel_size, dilation: of the convolutions.
        concat_input: fuse result and input by a further convolution (of the same kernel, not dilated).

    Raises:
        ConfigError: no convolution, but different channels.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        num_classes: int,
        num_convs: Count = 2,
        kernel_size: AtLeastOne = 3,
        concat_input: bool = True,
        dilation: AtLeastOne = 1,
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
        if num_convs == 0 and in_channels != channels:
            raise ConfigError(
                f'FCNHead: num_convs is 0, in_channels {in_channels} and channels {channels}; expected equal channels '
                'or at least one convolution.'
            )
        inputs = [in_channels] + [channels] * (num_convs - 1) if num_convs else []
        self.convs = nn.Sequential(*(self._dilated(count, kernel_size, dilation) for count in inputs))
        self.conv_cat: ConvModule | None = None
        if concat_input:
            self.conv_cat = self.conv_module(in_channels + channels, channels, kernel_size)

    def _dilated(self, in_channels: int, kernel_size: int, dilation: int) -> ConvModule:
        return ConvModule(
            in_channels, self.channels, kernel_size, padding=kernel_size // 2 * dilation, dilation=dilation,
            norm_cfg=self.norm_cfg, act_cfg=self.act_cfg,
        )  # fmt: skip

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        x = self.select_inputs(features)
        out: Tensor = self.convs(x)
        return out if self.conv_cat is None else self.conv_cat(torch.cat([x, out], dim=1))
