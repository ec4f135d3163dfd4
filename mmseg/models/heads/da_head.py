"""DANet head: attention between positions and between channels (Fu et al., 2019, arXiv:1809.02983).

Written from docs/methods/heads.md#dahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmseg.models.heads.base import BaseDecodeHead, HeadOptions, HeadOutput
from mmseg.models.layers import attend_positions
from mmseg.models.precision import autocast
from mmseg.models.terms import Terms
from mmseg.options import AtLeastOne
from mmseg.registry import MODELS


class Scale(nn.Module):
    """A learnable factor that starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.0))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class PositionAttention(nn.Module):
    """Attention between positions beside the map itself; (B, C, h, w) -> the same shape.

    Args:
        in_channels: C.
        channels: channels of keys and queries; their similarities are not scaled.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.key_project = nn.Conv2d(in_channels, channels, 1)
        self.query_project = nn.Conv2d(in_channels, channels, 1)
        self.value_project = nn.Conv2d(in_channels, in_channels, 1)
        self.gamma = Scale()

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.query_project(x), self.key_project(x), self.value_project(x)
        context: Tensor = self.gamma(attend_positions(query, key, value, scale=1.0))
        return context + x


class ChannelAttention(nn.Module):
    """Attention between channels, least similar first, beside the map itself; (B, C, h, w) -> the same shape."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = Scale()

    def forward(self, x: Tensor) -> Tensor:
        # Sums over all positions do not fit into 16 bits.
        with autocast(x, 'fp32'):
            rows = x.float().flatten(2)
            energy = rows @ rows.transpose(1, 2)
            # Softmax does not see the row's maximum that the publication adds.
            context = (-energy).softmax(dim=-1) @ rows
        weighted: Tensor = self.gamma(context.view(x.shape).to(x.dtype))
        return weighted + x


@dataclass(frozen=True, kw_only=True)
class DAOptions(HeadOptions):
    """Options of :class:`DAHead`, besides those of every head.

    Attributes:
        in_channels, in_index: channels and position of the feature level.
        pam_channels: channels of keys and queries of the position attention.
    """

    in_channels: int
    in_index: int = -1
    pam_channels: AtLeastOne


@MODELS.register_module()
class DAHead(BaseDecodeHead):
    """Sum of a branch with position attention and one with channel attention; each has a loss of its own.

    Arguments: :class:`DAOptions`.
    """

    Options = DAOptions
    options: DAOptions

    def build_layers(self) -> None:
        options = self.options
        in_channels, channels = options.in_channels, self.channels
        self.pam_in_conv = self.conv_module(in_channels, channels, 3)
        self.pam = PositionAttention(channels, options.pam_channels)
        self.pam_out_conv = self.conv_module(channels, channels, 3)
        self.pam_conv_seg = nn.Conv2d(channels, self.num_classes, 1)
        self.cam_in_conv = self.conv_module(in_channels, channels, 3)
        self.cam = ChannelAttention()
        self.cam_out_conv = self.conv_module(channels, channels, 3)
        self.cam_conv_seg = nn.Conv2d(channels, self.num_classes, 1)

    def branches(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Embeddings (B, channels, h, w) of the position branch and of the channel branch."""
        x = self.select_inputs(features)
        position: Tensor = self.pam_out_conv(self.pam(self.pam_in_conv(x)))
        channel: Tensor = self.cam_out_conv(self.cam(self.cam_in_conv(x)))
        return position, channel

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        position, channel = self.branches(features)
        return position + channel

    def forward_train(
        self, features: Sequence[Tensor], label: Tensor, weight: Tensor | None = None
    ) -> HeadOutput:
        """As :meth:`BaseDecodeHead.forward_train`; losses of sum and branches begin with 'pam_cam.', 'pam.', 'cam.'."""
        position, channel = self.branches(features)
        embedding = position + channel
        logits = self.classify(embedding)
        outputs = {
            'pam_cam': logits,
            'pam': self.pam_conv_seg(self._dropped(position)),
            'cam': self.cam_conv_seg(self._dropped(channel)),
        }
        terms = [self.losses(output, label, weight).prefixed(f'{name}.') for name, output in outputs.items()]
        return HeadOutput(*Terms({}).joined(*terms).parts(), logits=logits, embedding=embedding)

    def _dropped(self, x: Tensor) -> Tensor:
        return x if self.dropout is None else self.dropout(x)
