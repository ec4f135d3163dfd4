"""ResNet encoders (He et al., 2015, arXiv:1512.03385); V1c has a deep stem (docs/methods/encoders.md#resnet)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg.errors import ConfigError
from mmseg.models.backbones.layer_order import Ordered
from mmseg.models.backbones.resnet_options import ResNetOptions, Stages
from mmseg.models.backbones.stages import check_stages
from mmseg.models.conv import norm_layer
from mmseg.models.weights import load_pretrained, pretrained_path
from mmseg.options import declared_by, parse
from mmseg.registry import MODELS

EXPANSION = 4
STEM_STRIDE = 4
"""Of the stem's convolution and the pooling behind it, 2 each."""
BATCH_NORM: dict[str, Any] = {'type': 'BN', 'requires_grad': True}


def batch_norm(norm_cfg: Mapping[str, Any], channels: int) -> nn.Module:
    """The normalisation over ``channels``, without its name."""
    return norm_layer(norm_cfg, channels)[1]


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions with a residual; (B, in, h, w) -> (B, 4 * channels, h / stride, w / stride).

    Args:
        in_channels: channels of the input.
        channels: a quarter of the output channels.
        stride, dilation: of the 3x3 convolution (``style`` 'caffe': the stride is that of the first convolution).
        downsample: what the residual passes through, or None.
        norm_cfg: normalisation.
        style: 'pytorch' or 'caffe'.
        width: channels inside, default ``channels``.
        groups: of the 3x3 convolution.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int,
        dilation: int,
        downsample: nn.Module | None,
        norm_cfg: Mapping[str, Any],
        style: str = 'pytorch',
        width: int | None = None,
        groups: int = 1,
    ) -> None:
        super().__init__()
        width = channels if width is None else width
        first, second = (1, stride) if style == 'pytorch' else (stride, 1)
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride=first, bias=False)
        self.bn1 = batch_norm(norm_cfg, width)
        self.conv2 = nn.Conv2d(
            width, width, 3, stride=second, padding=dilation, dilation=dilation, groups=groups, bias=False
        )
        self.bn2 = batch_norm(norm_cfg, width)
        self.conv3 = nn.Conv2d(width, channels * EXPANSION, 1, bias=False)
        self.bn3 = batch_norm(norm_cfg, channels * EXPANSION)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        residual = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + residual)


@MODELS.register_module()
class ResNet(Ordered):
    """ResNet; a plain stem and ungrouped convolutions unless told otherwise.

    Args:
        options: by name, see :attr:`Options`.

    Attributes:
        Options: dataclass of the options.
        channels, strides: of each map.

    Raises:
        ConfigError: an option is unknown, missing or of another type, or there is no such depth.
    """

    Options: ClassVar[type[ResNetOptions]] = ResNetOptions
    DEPTHS: ClassVar[Mapping[int, Sequence[int]]] = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
    """Depth -> number of blocks of each stage."""

    STAGES: ClassVar[Stages] = Stages()

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = given = parse(self.Options, options, f'{type(self).__name__}.{{}}'.format)
        if given.depth not in self.DEPTHS:
            raise ConfigError(
                f'{type(self).__name__}: depth is {given.depth}; expected one of {[*self.DEPTHS]}.'
            )
        check_stages(
            type(self).__name__, given.num_stages, given.strides, given.dilations, given.out_indices,
            given.frozen_stages,
        )  # fmt: skip
        self.pretrained = pretrained_path(given.pretrained, given.init_cfg)
        self.norm_cfg = BATCH_NORM if given.norm_cfg is None else given.norm_cfg
        self.layout = self.STAGES.changed(given.deep_stem, given.avg_down, given.groups, given.base_width)
        self.out_indices = tuple(given.out_indices)
        returned = sorted(i for i in self.out_indices if i < given.num_stages)
        self.strides = tuple(STEM_STRIDE * math.prod(given.strides[: i + 1]) for i in returned)
        self.channels = tuple(given.base_channels * 2**i * EXPANSION for i in returned)
        self._build_stem(given.in_channels, given.stem_channels)
        self.stages: list[str] = []
        self._build_stages(given)
        self._freeze()

    @classmethod
    def declared(cls) -> Mapping[str, tuple[Any, bool]]:
        """Options for the check of configurations."""
        return declared_by(cls.Options)

    def _build_stages(self, given: ResNetOptions) -> None:
        contracted = given.contract_dilation
        first = [d // 2 if contracted and d > 1 else d for d in given.dilations]
        inputs = given.stem_channels
        for i, count in enumerate(self.DEPTHS[given.depth][: given.num_stages]):
            channels, stride = given.base_channels * 2**i, given.strides[i]
            downsample = self._build_downsample(inputs, channels * EXPANSION, stride)
            blocks = [self.build_block(inputs, channels, stride, first[i], downsample)]
            inputs = channels * EXPANSION
            blocks += [
                self.build_block(inputs, channels, 1, given.dilations[i], None) for _ in range(1, count)
            ]
            self.stages.append(f'layer{i + 1}')
            self.add_module(self.stages[-1], nn.Sequential(*blocks))

    def _build_stem(self, in_channels: int, channels: int) -> None:
        if self.layout.deep_stem:
            layers: list[nn.Module] = []
            half = channels // 2
            for c_in, c_out, stride in ((in_channels, half, 2), (half, half, 1), (half, channels, 1)):
                layers += [
                    nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False),
                    batch_norm(self.norm_cfg, c_out),
                    nn.ReLU(inplace=True),
                ]
            self.stem = nn.Sequential(*layers)
        else:
            self.conv1 = nn.Conv2d(in_channels, channels, 7, stride=2, padding=3, bias=False)
            self.bn1 = batch_norm(self.norm_cfg, channels)
            self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)

    def build_block(
        self, in_channels: int, channels: int, stride: int, dilation: int, downsample: nn.Module | None
    ) -> nn.Module:
        """One block of a stage, see :class:`Bottleneck`."""
        return Bottleneck(
            in_channels, channels, stride, dilation, downsample, self.norm_cfg, self.options.style,
            self.layout.width(channels), self.layout.groups,
        )  # fmt: skip

    def _build_downsample(self, in_channels: int, out_channels: int, stride: int) -> nn.Module | None:
        """The residual's path of a stage's first block, or None where shapes agree."""
        if stride == 1 and in_channels == out_channels:
            return None
        layers: list[nn.Module] = []
        if self.layout.avg_down:
            layers.append(nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False))
            stride = 1
        layers.append(nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False))
        layers.append(batch_norm(self.norm_cfg, out_channels))
        return nn.Sequential(*layers)

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Names of layers from the input on, as timm writes it: each block is one."""
        return {'stem': r'^(?:stem|conv1|bn1)', 'blocks': r'^layer(\d+)' if coarse else r'^layer(\d+)\.(\d+)'}

    def init_weights(self) -> None:
        """Load ``pretrained`` (:class:`CheckpointError` if that fails) or initialise from scratch."""
        if self.pretrained is not None:
            load_pretrained(self, self.pretrained, ignored=('fc.',))
            return
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, (_BatchNorm, nn.GroupNorm)):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
        if self.options.zero_init_residual:
            for name, parameter in self.named_parameters():
                if name.endswith('.bn3.weight'):
                    nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Image (B, in_channels, H, W) -> the maps of ``out_indices``, channels ``base_channels * 4 * 2**i``."""
        x = self.maxpool(self.stem(x) if self.layout.deep_stem else self.relu(self.bn1(self.conv1(x))))
        outputs = []
        for i, stage in enumerate(self.stages):
            x = self.get_submodule(stage)(x)
            if i in self.out_indices:
                outputs.append(x)
        return outputs

    def train(self, mode: bool = True) -> 'ResNet':
        """Training mode, except for what ``norm_eval`` and ``frozen_stages`` keep in evaluation mode."""
        super().train(mode)
        for module in self._frozen_modules():
            module.eval()
        if mode and self.options.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def _frozen_modules(self) -> list[nn.Module]:
        if self.options.frozen_stages < 0:
            return []
        stem = [self.stem] if self.layout.deep_stem else [self.conv1, self.bn1]
        return [*stem, *(self.get_submodule(name) for name in self.stages[: self.options.frozen_stages])]

    def _freeze(self) -> None:
        for module in self._frozen_modules():
            module.requires_grad_(False)


@MODELS.register_module()
class ResNetV1c(ResNet):
    """ResNet with a deep stem of three 3x3 convolutions; arguments as :class:`ResNet`."""

    STAGES = Stages(deep_stem=True)


@MODELS.register_module()
class ResNetV1d(ResNet):
    """ResNet with a deep stem and averaged residuals; arguments as :class:`ResNet`."""

    STAGES = Stages(deep_stem=True, avg_down=True)
