"""ResNeSt encoder: split attention in place of the 3x3 convolution (Zhang et al., 2020, arXiv:2004.08955).

Written from docs/methods/encoders.md#resnest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mmseg.models.backbones.resnet import EXPANSION, ResNet, batch_norm
from mmseg.models.backbones.resnet_options import ResNetOptions, Stages
from mmseg.options import AtLeastOne
from mmseg.registry import MODELS

MIN_ATTENTION_CHANNELS = 32


class SplitAttention(nn.Module):
    """A 3x3 convolution to ``radix`` splits, which are summed with weights that depend on the whole map.

    (B, in, h, w) -> (B, channels, h / stride, w / stride).

    Args:
        in_channels, channels: of the block; ``groups`` divides both.
        stride, dilation, groups: of the convolution; its padding is the dilation.
        radix: number of splits.
        reduction_factor: divides the channels between the two layers that find the weights.
        norm_cfg: normalisation.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int,
        dilation: int,
        groups: int,
        radix: int,
        reduction_factor: int,
        norm_cfg: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.radix, self.groups, self.channels = radix, groups, channels
        splits, cut = channels * radix, groups * radix
        inner = max(in_channels * radix // reduction_factor, MIN_ATTENTION_CHANNELS)
        self.conv = nn.Conv2d(
            in_channels, splits, 3, stride, padding=dilation, dilation=dilation, groups=cut, bias=False
        )
        self.bn0 = batch_norm(norm_cfg, splits)
        self.fc1 = nn.Conv2d(channels, inner, 1, groups=groups)
        self.bn1 = batch_norm(norm_cfg, inner)
        self.fc2 = nn.Conv2d(inner, splits, 1, groups=groups)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn0(self.conv(x)))
        batch, _, height, width = x.shape
        splits = x.view(batch, self.radix, self.channels, height, width)
        pooled = splits.sum(dim=1).mean(dim=(2, 3), keepdim=True)
        scores = self.fc2(self.relu(self.bn1(self.fc1(pooled))))
        # The scores lie group by group, the splits of the map split by split.
        weights = self._normalised(scores.view(batch, self.groups, self.radix, -1).transpose(1, 2))
        return (splits * weights.reshape(batch, self.radix, self.channels, 1, 1)).sum(dim=1)

    def _normalised(self, scores: Tensor) -> Tensor:
        """Weights (B, radix, groups, C / groups) that sum to 1 over the splits; of a single split any in (0, 1)."""
        return scores.softmax(dim=1) if self.radix > 1 else torch.sigmoid(scores)


class SplitAttentionBottleneck(nn.Module):
    """1x1 convolution, split attention, 1x1 convolution with a residual.

    (B, in, H, W) -> (B, 4 * channels, H / stride, W / stride).

    Args:
        in_channels: channels of the input.
        channels: a quarter of the output channels.
        stride, dilation: of the split attention.
        downsample: what the residual passes through, or None.
        norm_cfg: normalisation.
        width, groups: channels inside, and groups of the split attention.
        radix, reduction_factor: see :class:`SplitAttention`.
        avg_down_stride: a 3x3 average after the split attention takes over its stride.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int,
        dilation: int,
        downsample: nn.Module | None,
        norm_cfg: Mapping[str, Any],
        width: int,
        groups: int,
        radix: int,
        reduction_factor: int,
        avg_down_stride: bool,
    ) -> None:
        super().__init__()
        averaged = avg_down_stride and stride > 1
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = batch_norm(norm_cfg, width)
        self.conv2 = SplitAttention(
            width, width, 1 if averaged else stride, dilation, groups, radix, reduction_factor, norm_cfg
        )
        self.avd_layer = nn.AvgPool2d(3, stride, padding=1) if averaged else nn.Identity()
        self.conv3 = nn.Conv2d(width, channels * EXPANSION, 1, bias=False)
        self.bn3 = batch_norm(norm_cfg, channels * EXPANSION)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        residual = x if self.downsample is None else self.downsample(x)
        x = self.avd_layer(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(self.bn3(self.conv3(x)) + residual)


@dataclass(frozen=True, kw_only=True)
class ResNeStOptions(ResNetOptions):
    """Options of :class:`ResNeSt`, besides those of the family.

    Attributes:
        depth: 50, 101, 152 or 200.
        groups, base_width: see :class:`~mmseg.models.backbones.resnet_options.Stages`.
        radix, reduction_factor: see :class:`SplitAttention`.
        avg_down_stride: see :class:`SplitAttentionBottleneck`.
        style: accepted for published configurations; the stride is always that of the split attention.
        deep_stem, avg_down: as in V1d, not to be chosen.
    """

    groups: AtLeastOne = 1
    base_width: AtLeastOne = 64
    radix: AtLeastOne = 2
    reduction_factor: AtLeastOne = 4
    avg_down_stride: bool = True
    deep_stem: None = field(default=None, init=False)
    avg_down: None = field(default=None, init=False)


@MODELS.register_module()
class ResNeSt(ResNet):
    """ResNet V1d with split attention; arguments: :class:`ResNeStOptions`."""

    Options = ResNeStOptions
    options: ResNeStOptions
    DEPTHS: ClassVar[Mapping[int, Sequence[int]]] = {**ResNet.DEPTHS, 200: (3, 24, 36, 3)}
    STAGES = Stages(deep_stem=True, avg_down=True)
    UNUSED = ('style',)

    def build_block(
        self, in_channels: int, channels: int, stride: int, dilation: int, downsample: nn.Module | None
    ) -> nn.Module:
        """One block of a stage, see :class:`SplitAttentionBottleneck`."""
        return SplitAttentionBottleneck(
            in_channels, channels, stride, dilation, downsample, self.norm_cfg, self.layout.width(channels),
            self.layout.groups, self.options.radix, self.options.reduction_factor, self.options.avg_down_stride,
        )  # fmt: skip
