"""Mix Transformer encoders mit_b0 ... mit_b5 of SegFormer (Xie et al., 2021, arXiv:2105.15203).

Written from docs/methods/encoders.md#mix-transformer. Tokens are kept as (B, N, C); a convolution sees them as a
channels-last view (B, C, H, W), which costs no copy.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.errors import DataError
from mmseg.models.backbones.layer_order import Ordered
from mmseg.models.dropout import DropPath
from mmseg.models.layers import map_of, tokens_of
from mmseg.models.weights import load_pretrained, pretrained_path
from mmseg.options import AtLeastOne, Rate
from mmseg.registry import MODELS

# Two epsilons on purpose (docs/methods/encoders.md#mit-variants, #mit-structure): blocks and stage ends, and torch's
# default elsewhere.
BLOCK_EPS = 1e-6
DEFAULT_EPS = 1e-5

VARIANTS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    'mit_b0': ((32, 64, 160, 256), (2, 2, 2, 2)),
    'mit_b1': ((64, 128, 320, 512), (2, 2, 2, 2)),
    'mit_b2': ((64, 128, 320, 512), (3, 4, 6, 3)),
    'mit_b3': ((64, 128, 320, 512), (3, 4, 18, 3)),
    'mit_b4': ((64, 128, 320, 512), (3, 8, 27, 3)),
    'mit_b5': ((64, 128, 320, 512), (3, 6, 40, 3)),
}
"""Name -> (embed_dims, depths)."""


class PatchEmbed(nn.Module):
    """Overlapping patches: strided convolution and layer norm; (B, Cin, H, W) -> tokens (B, h*w, C), h, w."""

    def __init__(self, in_channels: int, channels: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, channels, kernel_size, stride, padding=kernel_size // 2)
        self.norm = nn.LayerNorm(channels, eps=DEFAULT_EPS)

    def forward(self, x: Tensor) -> tuple[Tensor, int, int]:
        x = self.proj(x)
        return self.norm(tokens_of(x)), x.shape[2], x.shape[3]


class Attention(nn.Module):
    """Multi-head self-attention with keys and values from a ``sr_ratio`` times coarser map.

    Source: docs/methods/encoders.md#mit-structure.
    """

    def __init__(
        self, channels: int, heads: int, sr_ratio: int, qkv_bias: bool, attn_drop: float, drop: float
    ) -> None:
        super().__init__()
        self.heads = heads
        self.sr_ratio = sr_ratio
        self.q = nn.Linear(channels, channels, bias=qkv_bias)
        self.kv = nn.Linear(channels, 2 * channels, bias=qkv_bias)
        self.attn_drop = nn.Dropout(attn_drop)
        self.proj = nn.Linear(channels, channels)
        self.proj_drop = nn.Dropout(drop)
        if sr_ratio > 1:
            self.sr = nn.Conv2d(channels, channels, sr_ratio, stride=sr_ratio)
            self.norm = nn.LayerNorm(channels, eps=DEFAULT_EPS)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """Tokens (B, H*W, C) -> (B, H*W, C)."""
        batch, count, channels = x.shape
        depth = channels // self.heads
        q = self.q(x).view(batch, count, self.heads, depth).transpose(1, 2)
        if self.sr_ratio > 1:
            x = self.norm(tokens_of(self.sr(map_of(x, height, width))))
        kv = self.kv(x).view(batch, x.shape[1], 2, self.heads, depth).permute(2, 0, 3, 1, 4)
        drop = self.attn_drop.p if self.attn_drop.training else 0.0
        out = F.scaled_dot_product_attention(q, kv[0], kv[1], dropout_p=drop)
        out = out.transpose(1, 2).reshape(batch, count, channels)
        return self.proj_drop(self.proj(out))


class DepthwiseConv(nn.Module):
    """3x3 depthwise convolution on tokens, which tells the Mix-FFN about positions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        return tokens_of(self.dwconv(map_of(x, height, width)))


class MixFFN(nn.Module):
    """Linear, depthwise 3x3 convolution, GELU, linear."""

    def __init__(self, channels: int, hidden: int, drop: float) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.dwconv = DepthwiseConv(hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, channels)
        self.drop = nn.Dropout(drop)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        x = self.drop(self.act(self.dwconv(self.fc1(x), height, width)))
        return self.drop(self.fc2(x))


class Block(nn.Module):
    """Pre-norm transformer block: attention and Mix-FFN, each with a residual and stochastic depth."""

    def __init__(self, channels: int, attn: Attention, mlp: MixFFN, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=BLOCK_EPS)
        self.attn = attn
        self.drop_path = DropPath(drop_path) if drop_path > 0.0 else nn.Identity()
        self.norm2 = nn.LayerNorm(channels, eps=BLOCK_EPS)
        self.mlp = mlp

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x), height, width))
        return x + self.drop_path(self.mlp(self.norm2(x), height, width))


class MixVisionTransformer(Ordered):
    """Hierarchical encoder; maps of strides 4, 8, 16 and 32.

    Args:
        embed_dims: channels of the four stages.
        depths: number of blocks of the four stages.
        num_heads, mlp_ratios, sr_ratios: per stage: attention heads, widening of the Mix-FFN, coarsening of keys.
        qkv_bias: whether query, key and value projections have a bias.
        in_chans: channels of the input.
        drop_rate, attn_drop_rate: dropout of projections and of the attention matrix, in [0, 1).
        drop_path_rate: stochastic depth of the last block; rates grow linearly from 0 over all blocks.
        pretrained: path of a weight file in the official layout, or None to initialise from scratch.
        init_cfg: ``dict(type='Pretrained', checkpoint=path)``, the other way to say ``pretrained``.

    Attributes:
        channels, strides: of each map.
    """

    def __init__(
        self,
        embed_dims: Sequence[int] = (64, 128, 320, 512),
        depths: Sequence[int] = (2, 2, 2, 2),
        num_heads: Sequence[int] = (1, 2, 5, 8),
        mlp_ratios: Sequence[int] = (4, 4, 4, 4),
        sr_ratios: Sequence[int] = (8, 4, 2, 1),
        qkv_bias: bool = True,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.1,
        pretrained: str | None = None,
        init_cfg: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.channels = tuple(embed_dims)
        self.strides = tuple(4 * 2**i for i in range(len(self.channels)))
        self.coarsening = max(ratio * 2**i for i, ratio in enumerate(sr_ratios))
        self.pretrained = pretrained_path(pretrained, init_cfg)
        inputs = (in_chans, *embed_dims[:-1])
        for i, channels in enumerate(embed_dims):
            kernel, stride = (7, 4) if i == 0 else (3, 2)
            self.add_module(f'patch_embed{i + 1}', PatchEmbed(inputs[i], channels, kernel, stride))
        last = max(sum(depths) - 1, 1)
        rates = (drop_path_rate * i / last for i in range(sum(depths)))
        for i, channels in enumerate(embed_dims):
            blocks = [
                Block(
                    channels,
                    Attention(channels, num_heads[i], sr_ratios[i], qkv_bias, attn_drop_rate, drop_rate),
                    MixFFN(channels, mlp_ratios[i] * channels, drop_rate),
                    next(rates),
                )
                for _ in range(depths[i])
            ]
            self.add_module(f'block{i + 1}', nn.ModuleList(blocks))
            self.add_module(f'norm{i + 1}', nn.LayerNorm(channels, eps=BLOCK_EPS))

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Names of layers from the input on, as timm writes it: each block is one."""
        blocks = [
            (r'^patch_embed(\d+)', None),
            (r'^block(\d+)' if coarse else r'^block(\d+)\.(\d+)', None),
            (r'^norm(\d+)', (99999,)),  # timm's mark for 'as the layer before'
        ]
        return {'blocks': blocks}

    def init_weights(self) -> None:
        """Load ``pretrained`` (:class:`CheckpointError` if that fails) or initialise from scratch."""
        if self.pretrained is not None:
            load_pretrained(self, self.pretrained, ignored=('head.',))
        else:
            self.apply(_init_layer)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_chans, H, W) -> four maps (B, embed_dims[i], ceil(H / s), ceil(W / s)), s = 4, 8, 16, 32."""
        smallest = self.strides[0] * (self.coarsening - 1) + 1
        if min(x.shape[2], x.shape[3]) < smallest:
            raise DataError(
                f'The encoder got images (or crops, or windows) of {x.shape[2]} x {x.shape[3]} pixels; it needs at '
                f'least {smallest} x {smallest}. Use a larger scale or crop size.'
            )
        outputs = []
        for i in range(1, len(self.channels) + 1):
            tokens, height, width = self.get_submodule(f'patch_embed{i}')(x)
            for block in self.get_submodule(f'block{i}').children():
                tokens = block(tokens, height, width)
            x = map_of(self.get_submodule(f'norm{i}')(tokens), height, width)
            outputs.append(x)
        return outputs


def _init_layer(module: nn.Module) -> None:
    """Initialisation from scratch, docs/methods/encoders.md#mit-weights."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Conv2d):
        fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2.0 / fan_out))
    elif isinstance(module, nn.LayerNorm):
        nn.init.ones_(module.weight)
    bias = getattr(module, 'bias', None)
    if isinstance(bias, nn.Parameter):
        nn.init.zeros_(bias)


def _variant(name: str) -> Callable[..., MixVisionTransformer]:
    """The registered constructor of one variant, with the keys published configurations use."""
    embed_dims, depths = VARIANTS[name]

    def build(
        pretrained: str | None = None,
        init_cfg: Mapping[str, Any] | None = None,
        style: str = 'pytorch',
        in_chans: AtLeastOne = 3,
        img_size: int = 224,
        num_classes: int = 1000,
        freeze_patch_embed: bool = False,
        drop_rate: Rate = 0.0,
        attn_drop_rate: Rate = 0.0,
        drop_path_rate: Rate = 0.1,
    ) -> MixVisionTransformer:
        return MixVisionTransformer(
            embed_dims=embed_dims,
            depths=depths,
            in_chans=in_chans,
            drop_rate=drop_rate,
            attn_drop_rate=attn_drop_rate,
            drop_path_rate=drop_path_rate,
            pretrained=pretrained,
            init_cfg=init_cfg,
        )

    build.UNUSED = ('style', 'img_size', 'num_classes', 'freeze_patch_embed')  # type: ignore[attr-defined]
    build.__name__ = build.__qualname__ = name
    build.__doc__ = (
        f'{name}: embed_dims {embed_dims}, depths {depths}. ``style``, ``img_size``, ``num_classes`` and '
        '``freeze_patch_embed`` are accepted because published configurations carry them; they have no effect.\n\n'
        'Args:\n'
        '    pretrained, init_cfg, in_chans, drop_rate, attn_drop_rate, drop_path_rate: see '
        ':class:`MixVisionTransformer`.\n'
    )
    return build


for _name in VARIANTS:
    MODELS.register_module(name=_name, module=_variant(_name))
