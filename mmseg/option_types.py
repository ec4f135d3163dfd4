"""Values of a configuration against the annotations of the parameters that receive them.

Configurations come from Python and JSON, so a list stands for a tuple and a whole number for a float; a truth value
is no number and a text is no list. ``tuple[int, int]`` is a list of exactly two, ``Sequence[int]`` one of any length.
"""

import inspect
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import Annotated, Any, Literal, Union

LONGEST = 80
"""Characters of a wrong value that a message shows."""
SINGLE = {int: 'a whole number', float: 'a number', bool: 'True or False', str: 'a text', type(None): 'None'}
SEVERAL = {int: 'whole numbers', float: 'numbers', str: 'texts', bool: 'truth values'}


@dataclass(frozen=True)
class Range:
    """Finite numbers from ``low`` to ``high``: ``Annotated[float, Range(0, 1)]``.

    ``above``: without ``low`` itself; ``below``: without ``high`` itself.
    """

    low: float = 0.0
    high: float = math.inf
    above: bool = False
    below: bool = False

    def __contains__(self, value: float) -> bool:
        outside = (self.above and value == self.low) or (self.below and value == self.high)
        return self.low <= value <= self.high and not outside and value < math.inf

    def __str__(self) -> str:
        if self.high < math.inf:
            return f'from {self.low:g} to {"below " if self.below else ""}{self.high:g}'
        return f'{"above" if self.above else "of at least"} {self.low:g}'


@dataclass(frozen=True)
class Length:
    """Lists of at least ``low`` elements: ``Annotated[Sequence[int], Length(1)]``."""

    low: int

    def __contains__(self, value: Sequence[Any]) -> bool:
        return len(value) >= self.low

    def __str__(self) -> str:
        return f'(at least {self.low})'


def parameters(component: Any) -> tuple[set[str], set[str]]:
    """(all, required) parameter names of a class or function; ``**kwargs`` adds those of the base class.

    A class whose ``**options`` become a dataclass says so in ``declared()``, see :mod:`mmseg.options`.
    """
    declared = _declared(component)
    allowed, required = set(declared), {name for name, (_, needed) in declared.items() if needed}
    for kind in _accepting(component):
        found = inspect.signature(kind).parameters.values()
        named = [p for p in found if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        required |= {p.name for p in named if p.default is p.empty} - allowed
        allowed |= {p.name for p in named}
    return allowed, required


def annotations(component: Any) -> dict[str, Any]:
    """Annotation of every :func:`parameters` that has one."""
    found: dict[str, Any] = {}
    for kind in _accepting(component):
        try:
            hints = typing.get_type_hints(
                kind.__init__ if inspect.isclass(kind) else kind, include_extras=True
            )
        except (NameError, TypeError):  # of a component that is not ours
            continue
        found = hints | found
    return found | {name: annotation for name, (annotation, _) in _declared(component).items()}


def default(component: Any, name: str) -> Any:
    """Default of a parameter of a class or function; None if it has none."""
    options = getattr(component, 'Options', None)
    given = getattr(options, '__dataclass_fields__', {}).get(name)
    if given is not None:
        return None if given.default is MISSING else given.default
    parameter = inspect.signature(component).parameters.get(name)
    return None if parameter is None or parameter.default is parameter.empty else parameter.default


def _declared(component: Any) -> Mapping[str, tuple[Any, bool]]:
    """Annotation of each option of a dataclass, and whether it is needed."""
    declare = getattr(component, 'declared', None) if inspect.isclass(component) else None
    return {} if declare is None else declare()


def _accepting(component: Any) -> Iterator[Any]:
    """A class or function, then the base classes that ``**kwargs`` hands options on to."""
    for kind in component.__mro__ if inspect.isclass(component) else [component]:
        yield kind
        if not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(kind).parameters.values()):
            return


def fits(value: Any, annotation: Any) -> bool:
    """Whether a parameter with this annotation takes the value; annotations of other kinds take everything."""
    if annotation in SINGLE:
        return _is_single(value, annotation)
    origin, inner = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if origin is Annotated:
        return fits(value, inner[0]) and all(
            value in limit for limit in inner[1:] if isinstance(limit, Range | Length)
        )
    if origin in (Union, types.UnionType):
        return any(fits(value, option) for option in inner)
    if origin is Literal:
        return any(value == option and type(value) is type(option) for option in inner)
    if origin in (Mapping, dict):
        return isinstance(value, Mapping) and all(fits(item, inner[1]) for item in value.values() if inner)
    if origin in (Sequence, list, tuple):
        return isinstance(value, list | tuple) and _items_fit(value, origin, inner)
    return isinstance(value, origin) if isinstance(origin, type) and origin is not Any else True


def expectation(annotation: Any) -> str:
    """What :func:`fits` wants, in words."""
    if annotation in SINGLE:
        return SINGLE[annotation]
    origin, inner = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if origin is Annotated:
        return ' '.join(
            [expectation(inner[0]), *(str(limit) for limit in inner[1:] if isinstance(limit, Range | Length))]
        )
    if origin in (Union, types.UnionType):
        return ' or '.join(dict.fromkeys(expectation(option) for option in inner))
    if origin is Literal:
        return ' or '.join(map(repr, inner))
    if origin in (Mapping, dict):
        return f'a dict of {_several(inner[1])}' if inner and inner[1] is not Any else 'a dict'
    if origin in (Sequence, list, tuple):
        count = f'{len(inner)} ' if origin is tuple and inner and inner[-1] is not ... else ''
        return f'a list of {count}{_several(inner[0])}' if inner else 'a list'
    return getattr(annotation, '__name__', str(annotation))


def mismatches(component: Any, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, sentence) for each value that its parameter does not take; keys without a parameter are left out."""
    known = annotations(component)
    for key, value in given.items():
        if key in known and not fits(value, known[key]):
            yield key, f'found {shown(value)}, expected {expectation(known[key])}'


def shown(value: Any) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= LONGEST else f'{text[: LONGEST - 3]}...'


def _is_single(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and _is_float(value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _is_float(value: float) -> bool:
    try:
        return not math.isnan(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _items_fit(value: Sequence[Any], origin: Any, inner: tuple[Any, ...]) -> bool:
    if origin is tuple and inner and inner[-1] is not ...:
        return len(value) == len(inner) and all(map(fits, value, inner))
    return not inner or all(fits(item, inner[0]) for item in value)


def _several(annotation: Any) -> str:
    if annotation in SEVERAL:
        return SEVERAL[annotation]
    if typing.get_origin(annotation) is Annotated:
        kind, *limits = typing.get_args(annotation)
        return ' '.join([_several(kind), *map(str, limits)])
    origin = typing.get_origin(annotation) or annotation
    return (
        'lists' if origin in (Sequence, list, tuple) else 'dicts' if origin in (Mapping, dict) else 'values'
    )
