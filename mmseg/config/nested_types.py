"""The names that a ``type`` inside a component may have: layers, norms, activations, samplers, log hooks.

Components look them up in tables of their own, never among everything that Python could import. Here the tables are
compared with a whole configuration, so that a wrong name is told with its place before anything is built, and values
that a part does not take.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmseg.errors import nearest
from mmseg.option_types import mismatches


def part_problems(values: Mapping[str, Any]) -> list[str]:
    """One sentence for each part of ``model``, ``uda`` and ``log_config.hooks`` whose type is in no table, or value."""
    tables = _tables()
    parts = [
        (place, key, part)
        for section in ('model', 'uda')
        for place, key, part in _dicts(values.get(section), section)
        if key in tables and (key != 'override' or 'type' in part)
    ]
    log = values.get('log_config')
    hooks = log.get('hooks') if isinstance(log, Mapping) else None
    if isinstance(hooks, list | tuple):
        parts += [(f'log_config.hooks.{index}', 'hooks', hook) for index, hook in enumerate(hooks)]
    return [problem for place, key, part in parts for problem in _problems(place, part, tables[key])]


def _tables() -> dict[str, Iterable[str]]:
    """Valid types by the key under which a part stands; imported late, since it takes the networks.

    Of a dict the values are what is called with the other entries, whose types it tells.
    """
    from mmseg.config.library_types import LOG_HOOKS
    from mmseg.models.conv import ACTIVATIONS, NORMS
    from mmseg.models.heads.daformer_head import LAYERS
    from mmseg.models.initialization import INITIALIZERS
    from mmseg.uda.masking import GENERATORS

    return {
        'norm_cfg': {name: layer for name, (_, layer) in NORMS.items()},
        'act_cfg': ACTIVATIONS,
        'init_cfg': ('Pretrained', *INITIALIZERS),
        'override': INITIALIZERS,
        'mask_generator': GENERATORS,
        'hooks': LOG_HOOKS,
        **dict.fromkeys(('embed_cfg', 'embed_neck_cfg', 'fusion_cfg', 'context_cfg'), LAYERS),
    }


def _dicts(value: Any, place: str, key: str = '') -> Iterator[tuple[str, str, Any]]:
    """Place, key and content of every dict in a value; elements of a list stand under the key of the list."""
    if isinstance(value, Mapping):
        yield place, key, value
        for name, item in value.items():
            yield from _dicts(item, f'{place}.{name}', str(name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _dicts(item, f'{place}.{index}', key)


def _problems(place: str, part: Any, table: Iterable[str]) -> Iterator[str]:
    """What is wrong with a part: its type, else the types of its values."""
    if not isinstance(part, Mapping):
        yield f'{place}: expected a dict with a type, found {part!r}.'
        return
    kind = part.get('type')
    if not isinstance(kind, str) or kind not in table:
        yield f'{place}.type: found {kind!r}{nearest(str(kind), table)}.'
        return
    called = [table[kind]] if isinstance(table, Mapping) else []
    for component in (*called, _everywhere):
        for key, sentence in mismatches(component, part):
            yield f'{place}.{key}: {sentence}.'


def _everywhere(requires_grad: bool = True) -> None:
    """What :func:`mmseg.models.conv.norm_layer` takes for every norm."""
