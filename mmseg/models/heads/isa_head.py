"""ISA head: interlaced sparse self-attention (Huang et al., 2019, arXiv:1907.12273; docs/methods/heads.md#isahead)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmseg.models.heads.base import BaseDecodeHead, HeadOptions
from mmseg.models.heads.isa import RelationBlock, interlaced_attention
from mmseg.options import AtLeastOne
from mmseg.registry import MODELS

KEY_QUERY_CONVS = 2


@dataclass(frozen=True, kw_only=True)
class ISAOptions(HeadOptions):
    """Options of :class:`ISAHead`, besides those of every head.

    Attributes:
        in_channels, in_index: channels and position of the feature level.
        isa_channels: channels of keys and queries.
        down_factor: height and width of a block.
    """

    in_channels: int
    in_index: int = -1
    isa_channels: AtLeastOne
    down_factor: tuple[AtLeastOne, AtLeastOne] = (8, 8)


@MODELS.register_module()
class ISAHead(BaseDecodeHead):
    """3x3 convolution, interlaced attention, 1x1 convolution on attention and its input (:class:`ISAOptions`)."""

    Options = ISAOptions
    options: ISAOptions

    def build_layers(self) -> None:
        options = self.options
        self.down_factor = tuple(options.down_factor)
        self.in_conv = self.conv_module(options.in_channels, self.channels, 3)
        self.global_relation = self._relation(options.isa_channels)
        self.local_relation = self._relation(options.isa_channels)
        self.out_conv = self.conv_module(self.channels * 2, self.channels, 1)

    def _relation(self, isa_channels: int) -> RelationBlock:
        return RelationBlock(self.channels, isa_channels, KEY_QUERY_CONVS, self.norm_cfg, self.act_cfg)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        x = self.in_conv(self.select_inputs(features))
        context = interlaced_attention(x, self.down_factor, self.global_relation, self.local_relation)
        return self.out_conv(torch.cat([context, x], dim=1))
