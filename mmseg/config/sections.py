"""Where things stand in a configuration: data sets, their classes and steps, heads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg.datasets.building import INNER
from mmseg.datasets.classes import class_names
from mmseg.datasets.presets import expand_pipeline, is_preset
from mmseg.errors import ConfigError, UserError
from mmseg.registry import DATASETS

SPLITS = ('train', 'val', 'test')
Placed = tuple[str, Mapping[str, Any]]
"""Dotted place and the dict that stands there."""


def data_components(cfg: Any, place: str = 'data') -> Iterator[Placed]:
    """Every data set in ``data``, or in one of its entries; those that hold others first."""
    if isinstance(cfg, list | tuple):
        for number, part in enumerate(cfg):
            yield from data_components(part, f'{place}.{number}')
    elif isinstance(cfg, Mapping):
        if 'type' in cfg and place != 'data':
            yield place, cfg
        for key in SPLITS if place == 'data' else INNER:
            yield from data_components(cfg.get(key), f'{place}.{key}')


def data_sets(cfg: Any, place: str = 'data') -> Iterator[Placed]:
    """Every single data set in ``data``, or in one of its entries."""
    for where, component in data_components(cfg, place):
        if not any(key in component for key in INNER):
            yield where, component


def names_of(single: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Class names of a data set; None if they cannot be told."""
    classes: Any = single.get('classes')
    if classes is None:
        own = getattr(_kind(single), 'CLASSES', None)
        return None if own is None else tuple(own)
    if isinstance(classes, str) and not Path(classes).is_file():
        return None
    try:
        return class_names(classes)
    except (UserError, TypeError):
        return None


def palette_of(single: Mapping[str, Any]) -> Sequence[Sequence[int]] | None:
    """Colours that a data set is given, or has by itself for all of its classes; None if there are none."""
    given = single.get('palette')
    if given is not None or single.get('classes') is not None:
        return given
    own: Sequence[Sequence[int]] | None = getattr(_kind(single), 'PALETTE', None)
    return own


def steps_of(pipeline: Any) -> list[dict[str, Any]]:
    """The steps of a pipeline that is right; else none, since others report what is wrong."""
    try:
        steps = expand_pipeline(pipeline) if is_preset(pipeline) else pipeline
    except UserError:
        return []
    return [dict(s) for s in steps if isinstance(s, Mapping)] if isinstance(steps, list | tuple) else []


def heads_of(model: Any) -> Iterator[Placed]:
    """Every decode and auxiliary head."""
    for slot in ('decode_head', 'auxiliary_head'):
        heads = model.get(slot) if isinstance(model, Mapping) else None
        if isinstance(heads, Mapping):
            yield f'model.{slot}', heads
        for number, head in enumerate(heads if isinstance(heads, list | tuple) else ()):
            if isinstance(head, Mapping):
                yield f'model.{slot}.{number}', head


def parts_of(uda: Any) -> Iterator[Placed]:
    """Every part of a method that is written as a dict of its own."""
    if not isinstance(uda, Mapping):
        return
    if isinstance(uda.get('instance_bank'), Mapping):
        yield 'uda.instance_bank', uda['instance_bank']
    parts = uda.get('parts')
    for number, part in enumerate(parts if isinstance(parts, list | tuple) else ()):
        if isinstance(part, Mapping):
            yield f'uda.parts.{number}', part


def _kind(single: Mapping[str, Any]) -> Any:
    return DATASETS.get(single.get('type'))


def require_sections(cfg: Config | Mapping[str, Any], places: Iterable[str]) -> None:
    """Make sure that a configuration has what a program needs.

    Args:
        cfg: merged configuration.
        places: dotted names of sections, e.g. 'data.train'.

    Raises:
        ConfigError: naming every section that is missing or empty.
    """
    values = cfg.to_dict() if isinstance(cfg, Config) else cfg
    missing = [place for place in places if not value_at(values, place)]
    if missing:
        name = getattr(cfg, 'filename', None) or 'The configuration'
        raise ConfigError(
            f'{name} has no {", ".join(missing)}. Take the section{"s"[: len(missing) > 1]} from a file of '
            'configs/_base_, or start from a complete configuration such as those in configs/daformer.'
        )


def value_at(values: Mapping[str, Any], place: str) -> Any:
    """What stands at a dotted place; None if nothing does."""
    found: Any = values
    for key in place.split('.'):
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found
