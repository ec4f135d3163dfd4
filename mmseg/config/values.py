"""Values that fit the types of their options and still cannot be used, told before data or weights are read.

Each component judges its own values. Steps of pipelines, losses and optimizers cost nothing, so they are built, and
what they refuse is told. Whatever reads files or holds weights has a class method ``problems``: options ->
sentences that begin with the name of an option.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from mmseg.config.sections import data_components, heads_of, steps_of, value_at
from mmseg.datasets.building import one_folder
from mmseg.datasets.presets import is_preset
from mmseg.errors import UserError
from mmseg.option_types import mismatches, parameters
from mmseg.registry import DATASETS, MODELS, TRANSFORMS, Registry

OPTIMIZER_KEYS = ('type', 'lr', 'paramwise_cfg')


def value_problems(values: Mapping[str, Any]) -> list[str]:
    """One sentence for each value that its component refuses; options of wrong names or types are left to others."""
    found: list[str] = []
    for place, component in data_components(values.get('data')):
        found += _own(DATASETS, one_folder(component), place, component)
        found += _pipeline_problems(component.get('pipeline'), f'{place}.pipeline')
    for place, head in heads_of(values.get('model')):
        found += _own(MODELS, head, place)
        for slot in ('loss_decode', 'sampler'):
            parts = head.get(slot)
            for part in parts if isinstance(parts, list | tuple) else [parts]:
                found += _built(MODELS, part, f'{place}.{slot}')
    return [*found, *_optimizer_problems(values.get('optimizer'))]


def network_problems(model: Any) -> list[str]:
    """What a network whose options are right one by one refuses when it is built, without memory or weights."""
    parts = list(_components(model))
    if not parts or not all(str(getattr(part, '__module__', '')).startswith('mmseg.') for part in parts):
        return []

    text = json.dumps(model, default=repr)
    if text not in _networks:
        with torch.device('meta'):
            found = _told(lambda: _build_network(model), 'model')
        _networks[text] = [problem.replace('model: model', 'model', 1) for problem in found]
    return _networks[text]


_networks: dict[str, list[str]] = {}
"""Networks that were built, and what they refused: rows of an experiment mostly share one, which takes 0.1 s."""


def _build_network(model: Mapping[str, Any]) -> None:
    from mmseg.models import build_segmentor  # late: these take the networks
    from mmseg.models.heads.base import BaseDecodeHead

    for module in build_segmentor(model).modules():
        if isinstance(module, BaseDecodeHead):
            module.init_weights()


def _components(model: Any) -> Iterator[Any]:
    """What is registered under each ``type`` of a network that the registry builds."""
    if isinstance(model, Mapping):
        component = MODELS.get(model.get('type'))
        yield from () if component is None else (component,)
    for part in model.values() if isinstance(model, Mapping) else model if isinstance(model, list) else ():
        yield from _components(part)


def _own(registry: Registry, cfg: Mapping[str, Any], place: str, given: Any = None) -> list[str]:
    """What a component's class says about its options; ``given``: these before anything was put in their place."""
    judge = getattr(registry.get(cfg.get('type')), 'problems', None)
    if judge is None or not _are_sound(registry, cfg):
        return []
    return [f'{place}.{sentence}' for sentence in judge(_options(given or cfg))]


def _built(registry: Registry, cfg: Any, place: str) -> list[str]:
    """What a component that costs nothing refuses when it is built; components of others may cost anything."""
    component = registry.get(cfg.get('type')) if isinstance(cfg, Mapping) else None
    if hasattr(component, 'problems'):
        return _own(registry, cfg, place)
    if not str(getattr(component, '__module__', '')).startswith('mmseg.') or not _are_sound(registry, cfg):
        return []
    return _told(lambda: registry.build(cfg), place)


def _pipeline_problems(pipeline: Any, place: str) -> list[str]:
    found: list[str] = []
    for number, step in enumerate(steps_of(pipeline)):
        here = place if is_preset(pipeline) else f'{place}.{number}'
        inner = _pipeline_problems(step.get('transforms'), f'{here}.transforms')
        found += inner or _built(TRANSFORMS, step, here)
    return found


def _optimizer_problems(cfg: Any) -> list[str]:
    kind = getattr(torch.optim, str(cfg.get('type')), None) if isinstance(cfg, Mapping) else None
    options = {key: cfg[key] for key in cfg if key not in OPTIMIZER_KEYS} if kind else {}
    if kind is None or not set(options) <= parameters(kind)[0] or any(mismatches(kind, options)):
        return []
    found = _told(lambda: kind([torch.nn.Parameter(torch.zeros(1))], **{'lr': 1.0, **options}), 'optimizer')
    keys = value_at(cfg, 'paramwise_cfg.custom_keys')
    return found + [
        f'optimizer.paramwise_cfg.custom_keys.{part}.{name}: found {factor}; expected a factor of at least 0.'
        for part, factors in (keys.items() if isinstance(keys, Mapping) else ())
        for name, factor in (factors.items() if isinstance(factors, Mapping) else ())
        if isinstance(factor, int | float) and factor < 0
    ]


def _told(build: Callable[[], Any], place: str) -> list[str]:
    try:
        build()
    except (UserError, ValueError, TypeError) as error:
        return [f'{place}: {error}']
    return []


def _are_sound(registry: Registry, cfg: Mapping[str, Any]) -> bool:
    """Whether names and types of the options are those of the component, so that their values can be judged."""
    component = registry.get(cfg.get('type'))
    if component is None:
        return False
    allowed, required = parameters(component)
    options = _options(cfg)
    return required <= set(options) <= allowed and not any(mismatches(component, cfg))


def _options(cfg: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in cfg.items() if key != 'type'}
