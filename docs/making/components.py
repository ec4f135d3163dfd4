"""Tables of the options of registered components, from the declarations that the check of configurations reads."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

from docs.making.meanings import as_markdown, meanings
from mmseg.option_types import annotations, expectation, parameters
from mmseg.options import NoOptions, declared_by
from mmseg.toolbox.experiments.collection import markdown_table

NEEDED = 'needed'
HEADS = ('key', 'value', 'default', 'meaning')
GIVEN = ('self', 'type', 'model', 'max_iters')
"""Parameters that the builder adds or uses."""


@dataclass(frozen=True)
class Row:
    """One option as the page shows it."""

    name: str
    value: str
    default: str
    meaning: str

    def cells(self) -> list[str]:
        """For a table."""
        return [f'`{self.name}`', self.value, self.default, self.meaning]


def rows(component: Any, told_by: Any = None) -> tuple[Row, ...]:
    """Options of a registered component, of a function or of a dataclass of options.

    Args:
        component: what is registered.
        told_by: class whose docstring tells the meanings, if it is another.
    """
    options = _options(component)
    declared = declared_by(options) if options else {}
    if component is options:
        names, needed, types = list(declared), {n for n, (_, must) in declared.items() if must}, {}
    else:
        names, needed, types = _ordered(component), parameters(component)[1], annotations(component)
    types = {**types, **{name: annotation for name, (annotation, _) in declared.items()}}
    told = {**meanings(component), **(meanings(options) if options else {}), **meanings(told_by)}
    unused = getattr(component, 'UNUSED', ())
    return tuple(
        Row(
            name,
            _value(types.get(name)),
            NEEDED if name in needed else f'`{_default(component, options, name)!r}`'.replace('|', '\\|'),
            'Accepted, has no effect.' if name in unused else as_markdown(told.get(name, '')),
        )
        for name in names
        if name not in GIVEN
    )


def _options(component: Any) -> type[NoOptions] | None:
    if isinstance(component, type) and issubclass(component, NoOptions):
        return component
    return getattr(component, 'Options', None)


def _ordered(component: Any) -> list[str]:
    """Names of all options: those of the dataclass or of the constructor, in their order."""
    options = _options(component)
    own = list(declared_by(options)) if options else []
    signature = [name for kind in _takers(component) for name in inspect.signature(kind).parameters]
    allowed = parameters(component)[0]
    inner = set(_declared(component)) - set(own)  # handed on to others, which have tables of their own
    return [name for name in dict.fromkeys([*own, *signature]) if name in allowed - inner]


def _declared(component: Any) -> Mapping[str, Any]:
    declare = getattr(component, 'declared', None)
    return declare() if declare else {}


def _takers(component: Any) -> list[Any]:
    """A class and the bases that ``**kwargs`` hands options on to, in the order in which they are asked."""
    found = []
    for kind in component.__mro__ if inspect.isclass(component) else [component]:
        found.append(kind)
        if not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(kind).parameters.values()):
            break
    return found


def _default(component: Any, options: type[NoOptions] | None, name: str) -> Any:
    for field in fields(options) if options else ():
        if field.name == name:
            return field.default if field.default_factory is MISSING else field.default_factory()
    for kind in _takers(component):
        parameter = inspect.signature(kind).parameters.get(name)
        if parameter is not None:
            return parameter.default
    return None


def _value(annotation: Any) -> str:
    """What it may be, range included; a value of any kind where nothing is declared."""
    text = 'a value' if annotation in (None, Any) else expectation(annotation)
    return text.replace('|', '\\|')


def table(shown: Sequence[Row]) -> str:
    """Options as a table; a sentence where there are none."""
    return markdown_table(HEADS, [row.cells() for row in shown]) if shown else 'No options.\n'


def sections(components: Mapping[str, Any], base: Any = None) -> str:
    """A heading and a table for each component; those with the same options share them.

    Args:
        components: by registered name.
        base: dataclass whose options all have; only what differs from it is repeated.
    """
    common = set(rows(base)) if base else set()
    groups: dict[tuple[Row, ...], list[str]] = {}
    for name, component in sorted(components.items()):
        own = tuple(row for row in rows(component) if row not in common)
        groups.setdefault(own, []).append(name)
    parts = []
    for shown, names in groups.items():
        first = summary(components[names[0]]) if len(names) == 1 else ''
        parts.append(f'### {", ".join(names)}\n\n' + (f'{first}\n\n' if first else '') + table(shown))
    return '\n'.join(parts)


def summary(component: Any) -> str:
    """First sentence of a docstring, without what it says about arguments."""
    text = inspect.cleandoc(component.__doc__ or '').split('\n\n')[0].replace('\n', ' ')
    return as_markdown(text.split('; arguments:')[0].rstrip('.') + '.') if text else ''
