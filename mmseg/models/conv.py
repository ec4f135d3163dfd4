"""Convolution, normalisation and activation in one module, with the published sub-module names.

Source: docs/methods/README.md#notation.

``ConvModule`` has the children ``conv``, ``bn`` (or ``gn``) and ``activate``; ``DepthwiseSeparableConvModule`` is a
pair ``depthwise_conv``, ``pointwise_conv`` of them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.options import AtLeastOne, Positive

Style = Mapping[str, Any] | None
"""A ``norm_cfg`` or ``act_cfg``; None: without."""


def _group_norm(
    channels: int, num_groups: AtLeastOne, eps: Positive = 1e-5, affine: bool = True
) -> nn.Module:
    return nn.GroupNorm(num_groups, channels, eps, affine)


NORMS: dict[str, tuple[str, Callable[..., nn.Module]]] = {
    'BN': ('bn', nn.BatchNorm2d),
    'SyncBN': ('bn', nn.BatchNorm2d),  # synchronised where there are several processes, as all are
    'GN': ('gn', _group_norm),
}
"""``norm_cfg.type`` -> name of the child, constructor."""

ACTIVATIONS: dict[str, Callable[..., nn.Module]] = {
    'ReLU': nn.ReLU,
    'LeakyReLU': nn.LeakyReLU,
    'GELU': nn.GELU,
    'Sigmoid': nn.Sigmoid,
}
"""``act_cfg.type`` -> constructor."""


def norm_layer(norm_cfg: Mapping[str, Any], channels: int) -> tuple[str, nn.Module]:
    """Published name and module of the normalisation over ``channels``.

    Args:
        norm_cfg: ``type`` of :data:`NORMS`, ``requires_grad`` (default True), and the constructor's own options.
        channels: number of channels.

    Raises:
        ConfigError: unknown type or option.
    """
    options = dict(norm_cfg)
    kind, trains = options.pop('type', None), options.pop('requires_grad', True)
    name, build = _look_up(NORMS, kind, 'norm_cfg')
    layer = _construct(build, 'norm_cfg', norm_cfg, (channels,), options)
    return name, layer.requires_grad_(trains)


def activation(act_cfg: Mapping[str, Any]) -> nn.Module:
    """The activation that ``act_cfg`` describes, in place where it can be.

    Raises:
        ConfigError: unknown type or option.
    """
    options = dict(act_cfg)
    kind = options.pop('type', None)
    if kind in ('ReLU', 'LeakyReLU'):
        options.setdefault('inplace', True)
    return _construct(_look_up(ACTIVATIONS, kind, 'act_cfg'), 'act_cfg', act_cfg, (), options)


def _look_up(table: Mapping[str, Any], kind: Any, key: str) -> Any:
    if kind not in table:
        raise ConfigError(f"{key}.type is '{kind}'; expected one of {', '.join(table)}.")
    return table[kind]


def _construct(
    build: Callable[..., nn.Module],
    key: str,
    cfg: Mapping[str, Any],
    args: tuple[Any, ...],
    options: dict[str, Any],
) -> nn.Module:
    try:
        return build(*args, **options)
    except TypeError as error:
        raise ConfigError(f'{key} is {dict(cfg)}: {error}.') from error


class ConvModule(nn.Module):
    """Convolution, then norm, then activation; (B, in, H, W) -> (B, out, H', W').

    The convolution has a bias only without norm.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, dilation, groups: of the convolution.
        norm_cfg: see :func:`norm_layer`; None: without.
        act_cfg: see :func:`activation`; None: without.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        norm_cfg: Style = None,
        act_cfg: Style = None,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias=norm_cfg is None
        )
        self.norm_name: str | None = None
        if norm_cfg is not None:
            self.norm_name, norm = norm_layer(norm_cfg, out_channels)
            self.add_module(self.norm_name, norm)
        self.activate = None if act_cfg is None else activation(act_cfg)
        self.init_weights()

    def init_weights(self) -> None:
        """Kaiming-normal convolution (fan_out, ReLU gain), zero bias, norm 1 / 0."""
        nn.init.kaiming_normal_(self.conv.weight, mode='fan_out', nonlinearity='relu')
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)
        if self.norm_name is not None:
            norm = self.get_submodule(self.norm_name)
            nn.init.ones_(norm.get_parameter('weight'))
            nn.init.zeros_(norm.get_parameter('bias'))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.norm_name is not None:
            x = self.get_submodule(self.norm_name)(x)
        return x if self.activate is None else self.activate(x)


class DepthwiseSeparableConvModule(nn.Module):
    """A convolution per channel and a 1x1 convolution across channels, each with norm and activation.

    Args:
        in_channels, out_channels: of the pair.
        kernel_size, stride, padding, dilation: of the depthwise convolution.
        norm_cfg, act_cfg: of both.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        norm_cfg: Style = None,
        act_cfg: Style = None,
    ) -> None:
        super().__init__()
        self.depthwise_conv = ConvModule(
            in_channels, in_channels, kernel_size, stride, padding, dilation, in_channels, norm_cfg, act_cfg
        )
        self.pointwise_conv = ConvModule(in_channels, out_channels, 1, norm_cfg=norm_cfg, act_cfg=act_cfg)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.pointwise_conv(self.depthwise_conv(x))
        return out
