"""DAFormer head: multi-level embeddings and context-aware fusion (Hoyer et al., 2022, arXiv:2111.14887).

Written from docs/methods/heads.md#daformerhead.
"""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.conv import ConvModule, DepthwiseSeparableConvModule, Style
from mmseg.models.heads.aspp import ASPPBlock
from mmseg.models.heads.base import BaseDecodeHead, HeadOptions
from mmseg.models.heads.embeddings import LinearEmbedding
from mmseg.models.heads.isa import ISALayer
from mmseg.models.layers import resize
from mmseg.options import AtLeastOne, Several
from mmseg.registry import MODELS


def _identity(in_channels: int, channels: int) -> nn.Module:
    return nn.Identity()


def _mlp(in_channels: int, channels: int, act_cfg: Style = None, norm_cfg: Style = None) -> nn.Module:
    """Activation and norm are accepted and ignored, as published."""
    return LinearEmbedding(in_channels, channels)


def _conv(
    in_channels: int, channels: int, kernel_size: int, act_cfg: Style = None, norm_cfg: Style = None
) -> nn.Module:
    return ConvModule(
        in_channels, channels, kernel_size, padding=kernel_size // 2, norm_cfg=norm_cfg, act_cfg=act_cfg
    )


def _sep_conv(
    in_channels: int, channels: int, kernel_size: int, act_cfg: Style = None, norm_cfg: Style = None
) -> nn.Module:
    return DepthwiseSeparableConvModule(
        in_channels, channels, kernel_size, padding=kernel_size // 2, norm_cfg=norm_cfg, act_cfg=act_cfg
    )


def _aspp(
    in_channels: int,
    channels: int,
    sep: bool,
    dilations: Several[AtLeastOne],
    pool: bool,
    act_cfg: Style = None,
    norm_cfg: Style = None,
    context_cfg: Mapping[str, Any] | None = None,
    align_corners: bool = False,
) -> nn.Module:
    context = None if context_cfg is None else build_layer(in_channels, channels, context_cfg)
    return ASPPBlock(in_channels, channels, sep, dilations, pool, norm_cfg, act_cfg, context, align_corners)


def _rawconv_and_aspp(
    in_channels: int,
    channels: int,
    kernel_size: AtLeastOne,
    sep: bool,
    dilations: Several[AtLeastOne],
    pool: bool,
    act_cfg: Style = None,
    norm_cfg: Style = None,
    context_cfg: Mapping[str, Any] | None = None,
    align_corners: bool = False,
) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, kernel_size, padding=kernel_size // 2),
        _aspp(channels, channels, sep, dilations, pool, act_cfg, norm_cfg, context_cfg, align_corners),
    )


LAYERS: dict[str, Callable[..., nn.Module]] = {
    'id': _identity,
    'mlp': _mlp,
    'conv': _conv,
    'sep_conv': _sep_conv,
    'aspp': _aspp,
    'rawconv_and_aspp': _rawconv_and_aspp,
    'isa': ISALayer,
}
"""Types of ``embed_cfg``, ``embed_neck_cfg`` and ``fusion_cfg``; their parameters are the functions' arguments."""


def build_layer(in_channels: int, channels: int, cfg: Mapping[str, Any]) -> nn.Module:
    """Build a layer (B, in_channels, h, w) -> (B, channels, h, w) from a config with a ``type`` of :data:`LAYERS`.

    Raises:
        ConfigError: unknown type or parameters.
    """
    options = dict(cfg)
    kind = options.pop('type', None)
    if kind not in LAYERS:
        raise ConfigError(f"decoder_params: layer type is '{kind}'{_nearest(kind, LAYERS)}.")
    build = LAYERS[kind]
    known = list(inspect.signature(build).parameters)[2:]
    for key in options:
        if key not in known:
            raise ConfigError(
                f"decoder_params: layer of type '{kind}' has no option '{key}'{_nearest(key, known)}."
            )
    try:
        return build(in_channels, channels, **options)
    except TypeError as error:
        raise ConfigError(f"decoder_params: layer of type '{kind}': {error}.") from error


def _nearest(found: object, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(str(found), names, 1)
    hint = f"; did you mean '{close[0]}'?" if close else ''
    return f'{hint} Expected one of: {", ".join(names)}'


@dataclass(frozen=True, kw_only=True)
class DAFormerOptions(HeadOptions):
    """Options of :class:`DAFormerHead`, besides those of every head.

    Attributes:
        in_channels, in_index: channels and positions of the feature levels.
        channels: channels after fusion.
        decoder_params: ``embed_dims`` (int, or one a level), ``embed_cfg`` (all levels but the last),
            ``embed_neck_cfg`` (last level; 'same_as_embed_cfg' allowed) and ``fusion_cfg``; each names a type of
            :data:`LAYERS` and its parameters.
        align_corners: must be False.
    """

    in_channels: Sequence[int]
    in_index: Sequence[int] = (0, 1, 2, 3)
    decoder_params: Mapping[str, Any]


@MODELS.register_module()
class DAFormerHead(BaseDecodeHead):
    """Embed every level, resize to the finest, concatenate and fuse; arguments: :class:`DAFormerOptions`."""

    Options = DAFormerOptions
    options: DAFormerOptions
    input_transform = 'multiple_select'

    def build_layers(self) -> None:
        options = self.options
        if self.align_corners:
            raise ConfigError('DAFormerHead: align_corners is True; expected False.')
        embed_dims, layers, fusion = _embedding_plan(options.decoder_params, len(options.in_channels))
        self.embed_layers = nn.ModuleDict(
            {
                str(index): build_layer(c_in, c_out, layer)
                for index, c_in, c_out, layer in zip(
                    options.in_index, options.in_channels, embed_dims, layers, strict=True
                )
            }
        )
        self.fuse_layer = build_layer(sum(embed_dims), self.channels, fusion)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        return self.fuse_layer(self._joined(features))

    def _joined(self, features: Sequence[Tensor]) -> Tensor:
        """Embedded levels at the size of the finest, concatenated; apart from them nothing stays in memory."""
        maps = [
            layer(x)
            for layer, x in zip(self.embed_layers.values(), self.select_inputs(features), strict=True)
        ]
        size = (maps[0].shape[2], maps[0].shape[3])
        return torch.cat([resize(x, size) for x in maps], dim=1)


def _embedding_plan(
    params: Mapping[str, Any], levels: int
) -> tuple[list[int], list[Mapping[str, Any]], Mapping[str, Any]]:
    """Channels and layer config of every level, and the fusion config."""
    known = ('embed_dims', 'embed_cfg', 'embed_neck_cfg', 'fusion_cfg')
    for key in params:
        if key not in known:
            raise ConfigError(f"decoder_params has no option '{key}'{_nearest(key, known)}.")
    missing = [key for key in known if key not in params]
    if missing:
        raise ConfigError(f'decoder_params lacks {", ".join(missing)}; expected {", ".join(known)}.')
    dims = params['embed_dims']
    dims = [dims] * levels if isinstance(dims, int) else list(dims)
    if len(dims) != levels:
        raise ConfigError(
            f'decoder_params.embed_dims has {len(dims)} entries; expected {levels}, one a level.'
        )
    neck = params['embed_neck_cfg']
    if neck == 'same_as_embed_cfg':
        neck = params['embed_cfg']
    return dims, [params['embed_cfg']] * (levels - 1) + [neck], params['fusion_cfg']
