"""Interlaced sparse self-attention (Huang et al., 2019, arXiv:1907.12273).

Source: docs/methods/heads.md#daformerhead and #isahead.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.models.conv import ConvModule, Style
from mmseg.models.layers import attend_positions
from mmseg.options import AtLeastOne


class RelationBlock(nn.Module):
    """Dense self-attention over the positions of a map; (B, C, h, w) -> (B, C, h, w).

    Args:
        channels: C of input and output.
        attention_channels: channels of keys and queries; similarities are scaled by its inverse square root.
        num_convs: number of stacked 1x1 ConvModules of the key and of the query projection.
        norm_cfg, act_cfg: of the ConvModules.
    """

    def __init__(
        self,
        channels: int,
        attention_channels: int,
        num_convs: int,
        norm_cfg: Style,
        act_cfg: Style,
    ) -> None:
        super().__init__()

        def projection() -> nn.Module:
            inputs = [channels] + [attention_channels] * (num_convs - 1)
            convs = [ConvModule(i, attention_channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg) for i in inputs]
            return convs[0] if num_convs == 1 else nn.Sequential(*convs)

        self.key_project = projection()
        self.query_project = projection()
        self.value_project = nn.Conv2d(channels, channels, 1)
        self.output_project = ConvModule(channels, channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg)

    def forward(self, x: Tensor) -> Tensor:
        query, key = self.query_project(x), self.key_project(x)
        return self.output_project(attend_positions(query, key, self.value_project(x)))


def interlaced_attention(
    x: Tensor, down_factor: Sequence[int], global_relation: nn.Module, local_relation: nn.Module
) -> Tensor:
    """Relate positions that are ``down_factor`` apart, then those within blocks of ``down_factor``.

    Args:
        x: (B, C, h, w) of any size; padded with zeros to a multiple of ``down_factor``.
        down_factor: height and width of a block.
        global_relation, local_relation: map (N, C, h', w') -> the same shape, see :class:`RelationBlock`.

    Returns:
        (B, C, h, w).
    """
    batch, channels, height, width = x.shape
    block_h, block_w = down_factor
    pad_h, pad_w = -height % block_h, -width % block_w
    # The odd row and column of the padding go to the bottom and the right.
    left, top = pad_w // 2, pad_h // 2
    x = F.pad(x, (left, pad_w - left, top, pad_h - top))
    grid_h, grid_w = x.shape[2] // block_h, x.shape[3] // block_w
    x = x.view(batch, channels, grid_h, block_h, grid_w, block_w)
    x = x.permute(0, 3, 5, 1, 2, 4).reshape(-1, channels, grid_h, grid_w)
    x = global_relation(x)
    x = x.view(batch, block_h, block_w, channels, grid_h, grid_w)
    x = x.permute(0, 4, 5, 3, 1, 2).reshape(-1, channels, block_h, block_w)
    x = local_relation(x)
    x = x.view(batch, grid_h, grid_w, channels, block_h, block_w).permute(0, 3, 1, 4, 2, 5)
    x = x.reshape(batch, channels, height + pad_h, width + pad_w)
    return x[:, :, top : top + height, left : left + width]


class ISALayer(nn.Module):
    """Attention between positions that are ``down_factor`` apart, then within ``down_factor`` blocks.

    (B, in, h, w) -> (B, out, h, w), any size: the map is padded with zeros to a multiple of ``down_factor``.

    Args:
        in_channels, channels: channels of input and output.
        isa_channels: channels of keys and queries.
        down_factor: height and width of a block.
        key_query_num_convs: stacked convolutions of the key and query projections.
        in_conv_kernel_size: kernel of the first convolution.
        norm_cfg, act_cfg: of the ConvModules.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        isa_channels: AtLeastOne,
        down_factor: tuple[AtLeastOne, AtLeastOne] = (8, 8),
        key_query_num_convs: AtLeastOne = 2,
        in_conv_kernel_size: AtLeastOne = 1,
        norm_cfg: Style = None,
        act_cfg: Style = None,
    ) -> None:
        super().__init__()
        self.down_factor = tuple(down_factor)
        self.in_conv = ConvModule(
            in_channels, channels, in_conv_kernel_size,
            padding=in_conv_kernel_size // 2, norm_cfg=norm_cfg, act_cfg=act_cfg,
        )  # fmt: skip
        self.global_relation = RelationBlock(channels, isa_channels, key_query_num_convs, norm_cfg, act_cfg)
        self.local_relation = RelationBlock(channels, isa_channels, key_query_num_convs, norm_cfg, act_cfg)

    def forward(self, x: Tensor) -> Tensor:
        return interlaced_attention(
            self.in_conv(x), self.down_factor, self.global_relation, self.local_relation
        )
