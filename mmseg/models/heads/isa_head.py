"""ISA head: interlaced sparse self-attention (Huang et al., 2019, arXiv:1907.12273; docs/methods/heads.md#isahead)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmseg.models.heads.base import BaseDecodeHead
from mmseg.models.heads.isa import RelationBlock, interlaced_attention
from mmseg.models.initialization import InitConfig
from mmseg.options import AtLeastOne, Rate
from mmseg.registry import MODELS

KEY_QUERY_CONVS = 2


@MODELS.register_module()
class ISAHead(BaseDecodeHead):
    """3x3 convolution, interlaced attention, 1x1 convolution on attention and its input.

    Args:
        in_channels, in_index: channels and position of the feature level.
        channels, num_classes, dropout_ratio, norm_cfg, act_cfg, loss_decode, ignore_index, sampler, align_corners,
            init_cfg: see :class:`~mmseg.models.heads.base.BaseDecodeHead`.
        isa_channels: channels of keys and queries.
        down_factor: height and width of a block.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        num_classes: int,
        isa_channels: AtLeastOne,
        down_factor: tuple[AtLeastOne, AtLeastOne] = (8, 8),
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
        self.down_factor = tuple(down_factor)
        self.in_conv = self.conv_module(in_channels, channels, 3)
        self.global_relation = self._relation(isa_channels)
        self.local_relation = self._relation(isa_channels)
        self.out_conv = self.conv_module(channels * 2, channels, 1)

    def _relation(self, isa_channels: AtLeastOne) -> RelationBlock:
        return RelationBlock(self.channels, isa_channels, KEY_QUERY_CONVS, self.norm_cfg, self.act_cfg)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        x = self.in_conv(self.select_inputs(features))
        context = interlaced_attention(x, self.down_factor, self.global_relation, self.local_relation)
        return self.out_conv(torch.cat([context, x], dim=1))
