"""Initialisation of heads by the published ``init_cfg`` dialect."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.model import initialize
from torch import nn

from mmseg.errors import ConfigError, nearest
from mmseg.models.conv import ConvModule

INITIALIZERS = ('Caffe2Xavier', 'Constant', 'Kaiming', 'Normal', 'TruncNormal', 'Uniform', 'Xavier')
"""Types of ``init_cfg``. The engine has one more, which unpickles a file without restrictions."""

InitConfig = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def init_head(head: nn.Module, init_cfg: InitConfig | None) -> None:
    """Initialise a decode head (docs/methods/heads.md#base-head): direct ConvModule children are re-drawn (Kaiming),
    then what ``init_cfg`` names, e.g. ``dict(type='Normal', std=0.01, override=dict(name='conv_seg'))``, or each of a
    list. Everything else keeps the values of its construction.

    Raises:
        ConfigError: ``init_cfg`` names another type or no part of the head, or its options do not fit.
    """
    for child in head.children():
        if isinstance(child, ConvModule):
            child.init_weights()
    for cfg in _listed(init_cfg):
        _check(head, cfg)
        try:
            initialize(head, dict(cfg))
        except (TypeError, ValueError, AttributeError, RuntimeError, AssertionError) as error:
            raise ConfigError(f'init_cfg is {dict(cfg)}: {error}.') from error


def _check(head: nn.Module, cfg: Mapping[str, Any]) -> None:
    """The engine would import a dotted type and look names up among everything that a module has."""
    overrides = _listed(cfg.get('override'))
    for one in (cfg, *(override for override in overrides if set(override) != {'name'})):
        kind = one.get('type')
        if kind not in INITIALIZERS or '_scope_' in one:
            raise ConfigError(f'init_cfg.type is {kind!r}{nearest(str(kind), INITIALIZERS)}.')
    parts = dict(head.named_children())
    for override in overrides:
        if override.get('name') not in parts:
            raise ConfigError(
                f'init_cfg.override.name is {override.get("name")!r}; {type(head).__name__} has {", ".join(parts)}.'
            )


def _listed(value: Any) -> list[Mapping[str, Any]]:
    found = [] if value is None else [value] if isinstance(value, Mapping) else value
    if not isinstance(found, list | tuple) or not all(isinstance(one, Mapping) for one in found):
        raise ConfigError(f'init_cfg: found {value!r}, expected a dict with a type, or a list of them.')
    return list(found)
