"""FCN head (Long et al., 2015, arXiv:1411.4038; docs/methods/heads.md#heads-without-an-experiment)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.conv import ConvModule
from mmseg.models.heads.base import BaseDecodeHead, HeadOptions
from mmseg.options import AtLeastOne, Count
from mmseg.registry import MODELS


@dataclass(frozen=True, kw_only=True)
class FCNOptions(HeadOptions):
    """Options of :class:`FCNHead`, besides those of every head.

    Attributes:
        in_channels, in_index: channels and position of the feature level.
        num_convs: number of convolutions; 0 needs ``in_channels`` equal to ``channels``.
        kernel_size, dilation: of the convolutions.
        concat_input: fuse result and input by a further convolution (of the same kernel, not dilated).
    """

    in_channels: int
    in_index: int = -1
    num_convs: Count = 2
    kernel_size: AtLeastOne = 3
    concat_input: bool = True
    dilation: AtLeastOne = 1


@MODELS.register_module()
class FCNHead(BaseDecodeHead):
    """A few convolutions; optionally one more on their result and their input; arguments: :class:`FCNOptions`.

    Raises:
        ConfigError: no convolution, but different channels.
    """

    Options = FCNOptions
    options: FCNOptions

    def build_layers(self) -> None:
        options = self.options
        in_channels, channels, num_convs = options.in_channels, self.channels, options.num_convs
        if num_convs == 0 and in_channels != channels:
            raise ConfigError(
                f'FCNHead: num_convs is 0, in_channels {in_channels} and channels {channels}; expected equal channels '
                'or at least one convolution.'
            )
        inputs = [in_channels] + [channels] * (num_convs - 1) if num_convs else []
        self.convs = nn.Sequential(
            *(self._dilated(count, options.kernel_size, options.dilation) for count in inputs)
        )
        self.conv_cat: ConvModule | None = None
        if options.concat_input:
            self.conv_cat = self.conv_module(in_channels + channels, channels, options.kernel_size)

    def _dilated(self, in_channels: int, kernel_size: int, dilation: int) -> ConvModule:
        return ConvModule(
            in_channels, self.channels, kernel_size, padding=kernel_size // 2 * dilation, dilation=dilation,
            norm_cfg=self.norm_cfg, act_cfg=self.act_cfg,
        )  # fmt: skip

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        x = self.select_inputs(features)
        out: Tensor = self.convs(x)
        return out if self.conv_cat is None else self.conv_cat(torch.cat([x, out], dim=1))
