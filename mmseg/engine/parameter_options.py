"""Learning rate and weight decay of every parameter (docs/methods/optimisation.md#parameter-groups).

Besides the published custom keys: layer decay, no decay of flat parameters, rates that grow with the batch.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import nn

from mmseg.config.schema import PARAMWISE
from mmseg.errors import ConfigError


class ParameterOptions(NamedTuple):
    """Learning rate and weight decay of one parameter."""

    name: str
    lr: float
    weight_decay: float


def parameter_options(module: nn.Module, optimizer_cfg: Mapping[str, Any]) -> list[ParameterOptions]:
    """Options of every parameter, in module order (docs/methods/optimisation.md#parameter-groups).

    Args:
        module: the whole training object, teacher included.
        optimizer_cfg: published ``optimizer``: ``type``, ``lr``, ``weight_decay``, ..., and ``paramwise_cfg`` with
            ``custom_keys`` {substring of the name: {lr_mult, decay_mult}}; ``layer_decay``: the rates of encoders fall
            by this factor from layer to layer towards the input; ``flat_decay_mult``: factor of the weight decay of
            parameters with one axis (biases, norms, scales). Factors are multiplied.

    Returns:
        One entry a parameter. Of the custom keys the longest that matches wins, ties go to the alphabetically first.

    Raises:
        ConfigError: an option of ``paramwise_cfg`` is unknown, or an encoder does not tell the order of its layers.
    """
    paramwise = _checked(optimizer_cfg)
    custom_keys = paramwise.get('custom_keys') or {}
    base_lr, base_decay = float(optimizer_cfg['lr']), float(optimizer_cfg.get('weight_decay', 0.0))
    by_length = sorted(sorted(custom_keys), key=len, reverse=True)
    scales = _layer_scales(module, paramwise.get('layer_decay'))
    flat_mult = paramwise.get('flat_decay_mult', 1.0)
    options = []
    for name, parameter in module.named_parameters():
        key = next((key for key in by_length if key in name), None)
        factors = custom_keys[key] if key is not None else {}
        lr = base_lr * factors.get('lr_mult', 1.0) * scales.get(name, 1.0)
        decay = base_decay * factors.get('decay_mult', 1.0) * (flat_mult if parameter.ndim <= 1 else 1.0)
        options.append(ParameterOptions(name, lr, decay))
    return options


def idle_custom_keys(module: nn.Module, optimizer_cfg: Mapping[str, Any]) -> list[str]:
    """Custom keys that are part of no parameter's name."""
    names = [name for name, _ in module.named_parameters()]
    custom_keys = _checked(optimizer_cfg).get('custom_keys') or {}
    return [key for key in custom_keys if not any(key in name for name in names)]


def scaled_to_batch(
    optimizer_cfg: Mapping[str, Any], auto_scale_lr: Mapping[str, Any] | None, batch: int
) -> dict[str, Any]:
    """The optimiser's configuration with its learning rate for the batch that is trained with.

    Args:
        optimizer_cfg: published ``optimizer``; its ``lr`` is for ``base_batch_size`` images.
        auto_scale_lr: dict(base_batch_size, rule): the rate grows with the batch ('linear') or with the square root
            of it ('sqrt'); None: it does not.
        batch: images per domain and step, of all processes together.
    """
    if auto_scale_lr is None:
        return dict(optimizer_cfg)
    ratio = batch / auto_scale_lr['base_batch_size']
    factor = ratio if auto_scale_lr.get('rule', 'linear') == 'linear' else ratio**0.5
    return {**optimizer_cfg, 'lr': optimizer_cfg['lr'] * factor}


def _layer_scales(module: nn.Module, decay: float | None) -> dict[str, float]:
    """Factors of the rates of all parameters of encoders, by full name."""
    if decay is None:
        return {}
    encoders = {
        name: child.layer_scales(decay)
        for name, child in module.named_modules()
        if hasattr(child, 'layer_scales')
    }
    if not encoders:
        raise ConfigError(
            f'optimizer.paramwise_cfg.layer_decay is {decay}, but no encoder here tells the order of its layers; '
            'expected a method layer_scales (mmseg/models/backbones/layer_order.py). Leave it out.'
        )
    return {f'{place}.{name}': scale for place, scales in encoders.items() for name, scale in scales.items()}


def _checked(optimizer_cfg: Mapping[str, Any]) -> dict[str, Any]:
    paramwise = dict(optimizer_cfg.get('paramwise_cfg') or {})
    problems = [f'optimizer.paramwise_cfg.{key}' for key in paramwise if key not in PARAMWISE]
    for key, factors in (paramwise.get('custom_keys') or {}).items():
        unknown = set(factors) - {'lr_mult', 'decay_mult'}
        problems += [f'optimizer.paramwise_cfg.custom_keys.{key}.{name}' for name in sorted(unknown)]
    if problems:
        raise ConfigError(
            f'Unknown option {", ".join(problems)}; paramwise_cfg takes layer_decay, flat_decay_mult and custom_keys '
            '{part of a name: {lr_mult, decay_mult}}.'
        )
    return paramwise
