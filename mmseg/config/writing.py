"""Configurations as Python text that can be read again."""

import ast
import json
from collections.abc import Iterator, Mapping
from keyword import iskeyword
from typing import Any

from mmengine.config import Config
from rich.pretty import pretty_repr

from mmseg.config.literals import NUMBERS

WIDTH = 110
INDENT = 4


class _Call(dict[str, Any]):
    """A dict that is written as ``dict(name=value)``."""

    def __rich_repr__(self) -> Iterator[tuple[str, Any]]:
        yield from self.items()


_Call.__name__ = 'dict'  # rich writes the name of the class


class _Word(str):
    """Text that is written without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def config_text(cfg: Config | Mapping[str, Any]) -> str:
    """A configuration as Python that can be read again, keys sorted as in ``Config.pretty_text`` of mmengine.

    mmengine lays its text out with yapf, which takes half a second of processor time or more at every start of a
    training, and refuses keys that are words of Python.

    Returns:
        A line ``name = value`` a key, values over several lines where they are long; numbers that are no literals
        (``inf``, ``nan``) are named first. JSON if a key cannot be the name of a variable.
    """
    values = cfg.to_dict() if isinstance(cfg, Config) else dict(cfg)
    if not all(map(_is_name, values)):
        return json.dumps(values, indent=INDENT)
    text = ''.join(
        f'{name} = {pretty_repr(_written(value), max_width=WIDTH - len(name) - 3, indent_size=INDENT)}\n'
        for name, value in sorted(values.items())
    )
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    return ''.join(f"{name} = float('{name}')\n" for name in sorted(used & set(NUMBERS))) + text


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and key.isidentifier() and not iskeyword(key)


def _written(value: Any) -> Any:
    """The same in the types that are written as configurations are."""
    if isinstance(value, Mapping):
        items = {key: _written(item) for key, item in sorted(value.items(), key=lambda item: str(item[0]))}
        return _Call(items) if all(map(_is_name, items)) else items
    if isinstance(value, tuple):
        return tuple(map(_written, value))
    if isinstance(value, list):
        return list(map(_written, value))
    if isinstance(value, type):
        return _Word(
            value.__name__ if value.__module__ == 'builtins' else f'{value.__module__}.{value.__name__}'
        )
    return value
