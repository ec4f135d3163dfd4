"""Strict checking of a merged configuration, before anything is built.

Every problem is found in one pass. The allowed keys of a dict with a ``type`` are the parameters of the
registered component, so a component's signature is the only place that declares its options.
"""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg.config import schema
from mmseg.config.combinations import combination_problems
from mmseg.config.consistency import contradictions
from mmseg.config.doubts import doubts
from mmseg.config.effects import idle_keys
from mmseg.config.library_types import OPTIMIZERS
from mmseg.config.nested_types import part_problems
from mmseg.config.pipelines import normalisation_problems, pipeline_problems
from mmseg.config.sections import value_at
from mmseg.config.values import network_problems, value_problems
from mmseg.datasets.building import INNER, one_folder
from mmseg.datasets.presets import PRESETS, is_preset
from mmseg.errors import ConfigError, nearest
from mmseg.option_types import mismatches, parameters, shown
from mmseg.registry import DATASETS, MODELS, TRANSFORMS, Registry
from mmseg.uda.adaptation import Adaptation

MODEL_SLOTS = ('backbone', 'neck', 'decode_head', 'auxiliary_head', 'loss_decode', 'sampler')


@dataclass
class Report:
    """What a check found.

    Attributes:
        problems: one sentence each: place, what is wrong, nearest valid name.
        notes: keys that are accepted but have no effect.
        warnings: one sentence each: what is odd, but may be meant.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_config(cfg: Config | Mapping[str, Any], helpers: Iterable[str] = ()) -> Report:
    """Check all keys and the values that a typo would make useless.

    Args:
        cfg: merged configuration, presets expanded or not.
        helpers: top-level names that are helper variables of a Python file.

    Raises:
        ConfigError: listing every problem.
    """
    values = cfg.to_dict() if isinstance(cfg, Config) else dict(cfg)
    report = inspect_config(values, helpers)
    if report.problems:
        name = getattr(cfg, 'filename', None) or 'the configuration'
        count = '1 problem' if len(report.problems) == 1 else f'{len(report.problems)} problems'
        listing = '\n'.join(f'  - {problem}' for problem in report.problems)
        raise ConfigError(f'{count} in {name}:\n{listing}')
    return report


def inspect_config(values: Mapping[str, Any], helpers: Iterable[str] = ()) -> Report:
    """Like :func:`check_config`, but returns the problems instead of raising."""
    report = Report()
    _check_top_level(values, set(helpers), report)
    for place, allowed in schema.SECTIONS.items():
        section = value_at(values, place)
        if isinstance(section, Mapping):
            _check_keys(section, place, allowed, report)
        elif section is not None:
            report.problems.append(f'{place}: expected a dict, found {shown(section)}.')
    for place in schema.REQUIRED:
        name, _, key = place.rpartition('.')
        given = value_at(values, name)
        if given and isinstance(given, Mapping) and key not in given:
            report.problems.append(f'{place}: missing.')
    for place, (valid, expected) in schema.VALUES.items():
        _check_value(values, place, valid, expected, report)
    _check_model(values.get('model'), 'model', report)
    _check_method(values.get('uda'), report)
    _check_optimizer(values.get('optimizer'), report)
    for split in ('train', 'val', 'test'):
        _check_dataset(value_at(values, f'data.{split}'), f'data.{split}', report)
    report.problems += part_problems(values)
    report.problems += [*combination_problems(values), *value_problems(values), *contradictions(values)]
    if not any('.pipeline' in problem.partition(':')[0] for problem in report.problems):
        report.problems += [*pipeline_problems(values), *normalisation_problems(values)]
    if not any(problem.startswith('model') for problem in report.problems):
        report.problems += network_problems(values.get('model'))
    report.notes += idle_keys(values)
    report.warnings += doubts(values)
    return report


def _check_top_level(values: Mapping[str, Any], helpers: set[str], report: Report) -> None:
    for key in map(str, values):
        if key in schema.TOP_LEVEL:
            continue
        if key in schema.UNUSED_TOP_LEVEL or key.endswith(schema.UNUSED_SUFFIXES) or key in helpers:
            report.notes.append(f'{key}: accepted, has no effect of its own')
        else:
            hint = nearest(key, schema.TOP_LEVEL | schema.UNUSED_TOP_LEVEL)
            report.problems.append(
                f'{key}: unknown key{hint}. Nothing uses it: remove it, or let its name begin with "_".'
            )


def _check_keys(
    section: Mapping[str, Any], place: str, allowed: set[str], report: Report, own: Collection[str] = ()
) -> None:
    unused = schema.UNUSED.get(place, set()) | {*own}
    for key in section:
        if key in unused:
            report.notes.append(f'{place}.{key}: accepted, has no effect')
        elif key not in allowed:
            report.problems.append(f'{place}.{key}: unknown key{nearest(str(key), allowed)}.')


def _check_value(
    values: Mapping[str, Any], place: str, valid: Callable[[Any], bool], expected: str, report: Report
) -> None:
    parent, _, key = place.rpartition('.')
    section = value_at(values, parent) if parent else values
    if isinstance(section, Mapping) and key in section and not valid(section[key]):
        report.problems.append(f'{place}: found {shown(section[key])}, expected {expected}.')


def _check_model(model: Any, place: str, report: Report) -> None:
    _check_component(model, place, MODELS, report)
    if not isinstance(model, Mapping):
        return
    for slot in MODEL_SLOTS:
        parts = model.get(slot)
        for index, part in enumerate(parts if isinstance(parts, list | tuple) else [parts]):
            suffix = f'.{index}' if isinstance(parts, list | tuple) else ''
            if part is not None:
                _check_model(part, f'{place}.{slot}{suffix}', report)


def _check_method(method: Any, report: Report) -> None:
    """Keys and types, then what an adaptation method says of its options together and of its parts."""
    before = len(report.problems)
    _check_component(method, 'uda', MODELS, report)
    if not isinstance(method, Mapping):
        return
    kind = MODELS.get(method.get('type'))
    if not (isinstance(kind, type) and issubclass(kind, Adaptation)):
        return
    known = report.problems[before:]
    places = {problem.partition(':')[0] for problem in known}
    report.problems += [p for p in kind.problems(method) if p.partition(':')[0] not in places]


def _check_dataset(dataset: Any, place: str, report: Report) -> None:
    if isinstance(dataset, list | tuple):
        if not dataset:
            report.problems.append(f'{place}: found an empty list, expected data sets.')
        for number, part in enumerate(dataset):
            if part is None:
                report.problems.append(f'{place}.{number}: found None, expected a dict with a type.')
            _check_dataset(part, f'{place}.{number}', report)
        return
    _check_component(
        one_folder(dataset) if isinstance(dataset, Mapping) else dataset, place, DATASETS, report
    )
    if not isinstance(dataset, Mapping):
        return
    names = dataset.get('classes')
    if isinstance(names, str) and not Path(names).is_file():
        report.problems.append(
            f'{place}.classes: found the text {shown(names)}, which is no file of class names; write a list of '
            'names, one name as [name] or (name,).'
        )
    for key in INNER:
        if key in ('dataset', 'datasets') and key in dataset and dataset[key] is None:
            report.problems.append(f'{place}.{key}: found None, expected a dict with a type.')
        _check_dataset(dataset.get(key), f'{place}.{key}', report)
    _check_pipeline(dataset.get('pipeline'), f'{place}.pipeline', report)


def _check_pipeline(pipeline: Any, place: str, report: Report) -> None:
    if is_preset(pipeline):
        _check_call(PRESETS[pipeline['type']], pipeline, place, report)
        return
    if isinstance(pipeline, Mapping):
        hint = nearest(str(pipeline.get('type')), PRESETS)
        report.problems.append(f'{place}: type {pipeline.get("type")!r} is no pipeline preset{hint}.')
        return
    if not isinstance(pipeline, list | tuple):
        return  # missing, or told already
    for index, step in enumerate(pipeline):
        _check_component(step, f'{place}.{index}', TRANSFORMS, report)
        if isinstance(step, Mapping) and 'transforms' in step:
            _check_pipeline(step['transforms'], f'{place}.{index}.transforms', report)


def _check_optimizer(optimizer: Any, report: Report) -> None:
    if optimizer is None:
        return
    if not isinstance(optimizer, Mapping):
        report.problems.append(f'optimizer: expected a dict with a type, found {shown(optimizer)}.')
        return
    name = optimizer.get('type')
    kind = OPTIMIZERS.get(name) if isinstance(name, str) else None
    if kind is None:
        hint = nearest(str(name), OPTIMIZERS)
        report.problems.append(f'optimizer.type: torch.optim has no {name!r}{hint}.')
        return
    allowed = set(inspect.signature(kind).parameters) - {'params'}
    _check_keys(optimizer, 'optimizer', {*allowed, 'type', 'paramwise_cfg'}, report)
    _check_types(kind, {key: value for key, value in optimizer.items() if key != 'lr'}, 'optimizer', report)
    custom_keys = value_at(optimizer, 'paramwise_cfg.custom_keys')
    for key, factors in custom_keys.items() if isinstance(custom_keys, Mapping) else ():
        if isinstance(factors, Mapping):
            place = f'optimizer.paramwise_cfg.custom_keys.{key}'
            _check_keys(factors, place, {'lr_mult', 'decay_mult'}, report)


def _check_component(cfg: Any, place: str, registry: Registry, report: Report) -> None:
    """A dict with a ``type`` against the signature of what is registered under it."""
    if cfg is None:
        return
    if not isinstance(cfg, Mapping):
        report.problems.append(f'{place}: expected a dict with a type, found {shown(cfg)}.')
        return
    if 'type' not in cfg:
        report.problems.append(f'{place}.type: missing; nothing says which {registry.name} it is.')
        return
    component = registry.get(cfg['type'])
    if component is None:
        report.problems.append(f'{place}.type: {registry.unknown(cfg["type"])}')
        return
    _check_call(component, cfg, place, report)


def _check_call(component: Any, cfg: Mapping[str, Any], place: str, report: Report) -> None:
    allowed, required = parameters(component)
    told = schema.INJECTED.get(place.rstrip('.0123456789').rpartition('.')[2], set())
    cfg = {key: value for key, value in cfg.items() if key not in told or value is not None}
    _check_keys(cfg, place, allowed | {'type'}, report, getattr(component, 'UNUSED', ()))
    _check_types(component, cfg, place, report)
    for key in sorted(required - set(cfg) - told):
        report.problems.append(f'{place}.{key}: missing; {cfg["type"]} needs it.')


def _check_types(component: Any, cfg: Mapping[str, Any], place: str, report: Report) -> None:
    unused = schema.UNUSED.get(place, set())
    for key, sentence in mismatches(component, cfg):
        if key not in unused and f'{place}.{key}' not in schema.VALUES:
            report.problems.append(f'{place}.{key}: {sentence}.')
