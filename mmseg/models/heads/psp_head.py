"""PSPNet head (Zhao et al., 2017, arXiv:1612.01105; docs/methods/heads.md#heads-without-an-experiment)."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from mmseg.models.heads.base import BaseDecodeHead
from mmseg.models.heads.psp import PyramidPooling
from mmseg.models.initialization import InitConfig
from mmseg.options import AtLeastOne, Rate, Several
from mmseg.registry import MODELS


@MODELS.register_module()
class PSPHead(BaseDecodeHead):
    """Pyramid pooling, fused by a 3x3 convolution.

    Args:
        in_channels, in_index: channels and position of the feature level.
        channels, num_classes, dropout_ratio, norm_cfg, act_cfg, loss_decode, ignore_index, sampler, align_corners,
            init_cfg: see :class:`~mmseg.models.heads.base.BaseDecodeHead`.
        pool_scales: side lengths of the pooled grids.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        num_classes: int,
        pool_scales: Several[AtLeastOne] = (1, 2, 3, 6),
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
        self.psp_modules = PyramidPooling(
            pool_scales, in_channels, channels, self.norm_cfg, self.act_cfg, align_corners
        )
        self.bottleneck = self.conv_module(self.psp_modules.out_channels, channels, 3)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        return self.bottleneck(self.psp_modules(self.select_inputs(features)))
