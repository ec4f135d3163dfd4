"""PSPNet head (Zhao et al., 2017, arXiv:1612.01105; docs/methods/heads.md#heads-without-an-experiment)."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from mmseg.models.heads.base import BaseDecodeHead, HeadOptions
from mmseg.models.heads.psp import PyramidPooling
from mmseg.options import AtLeastOne, Several
from mmseg.registry import MODELS


@dataclass(frozen=True, kw_only=True)
class PSPOptions(HeadOptions):
    """Options of :class:`PSPHead`, besides those of every head.

    Attributes:
        in_channels, in_index: channels and position of the feature level.
        pool_scales: side lengths of the pooled grids.
    """

    in_channels: int
    in_index: int = -1
    pool_scales: Several[AtLeastOne] = (1, 2, 3, 6)


@MODELS.register_module()
class PSPHead(BaseDecodeHead):
    """Pyramid pooling, fused by a 3x3 convolution; arguments: :class:`PSPOptions`."""

    Options = PSPOptions
    options: PSPOptions

    def build_layers(self) -> None:
        options = self.options
        self.psp_modules = PyramidPooling(
            options.pool_scales,
            options.in_channels,
            self.channels,
            self.norm_cfg,
            self.act_cfg,
            self.align_corners,
        )
        self.bottleneck = self.conv_module(self.psp_modules.out_channels, self.channels, 3)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        return self.bottleneck(self.psp_modules(self.select_inputs(features)))
