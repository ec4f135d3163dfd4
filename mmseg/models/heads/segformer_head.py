"""All-MLP head of SegFormer (Xie et al., 2021, arXiv:2105.15203; docs/methods/heads.md#segformerhead)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.heads.base import BaseDecodeHead, HeadOptions
from mmseg.models.heads.embeddings import LinearEmbedding
from mmseg.models.layers import resize
from mmseg.registry import MODELS


@dataclass(frozen=True, kw_only=True)
class SegFormerOptions(HeadOptions):
    """Options of :class:`SegFormerHead`, besides those of every head.

    Attributes:
        in_channels, in_index: channels and positions of the feature levels.
        channels: input channels of the unused ``conv_seg``.
        decoder_params: ``embed_dim`` (default 768) and ``conv_kernel_size`` of the fusion (default 1).
    """

    in_channels: Sequence[int]
    in_index: Sequence[int] = (0, 1, 2, 3)
    decoder_params: Mapping[str, Any] | None = None


@MODELS.register_module()
class SegFormerHead(BaseDecodeHead):
    """Embed every level linearly, resize to the finest, concatenate, fuse by a 1x1 convolution.

    Quirk (docs/methods/heads.md#segformerhead): the inherited ``conv_seg`` exists in the state dict but is not used;
    the classifier is ``linear_pred``. Arguments: :class:`SegFormerOptions`.
    """

    Options = SegFormerOptions
    options: SegFormerOptions
    input_transform = 'multiple_select'

    def build_layers(self) -> None:
        options = self.options
        params = {'embed_dim': 768, 'conv_kernel_size': 1, **(options.decoder_params or {})}
        unknown = set(params) - {'embed_dim', 'conv_kernel_size'}
        if unknown:
            raise ConfigError(
                f'SegFormerHead: decoder_params has unknown keys {", ".join(sorted(unknown))}; expected embed_dim and '
                'conv_kernel_size.'
            )
        width, kernel = params['embed_dim'], params['conv_kernel_size']
        self.linear_c = nn.ModuleDict(
            {
                str(i): LinearEmbedding(count, width)
                for i, count in zip(options.in_index, options.in_channels, strict=True)
            }
        )
        self.linear_fuse = self.conv_module(width * len(options.in_channels), width, kernel)
        self.linear_pred = nn.Conv2d(width, self.num_classes, 1)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        maps = [
            layer(x) for layer, x in zip(self.linear_c.values(), self.select_inputs(features), strict=True)
        ]
        size = (maps[0].shape[2], maps[0].shape[3])
        return self.linear_fuse(torch.cat([resize(x, size, self.align_corners) for x in maps], dim=1))

    def classifier(self) -> nn.Module:
        return self.linear_pred
