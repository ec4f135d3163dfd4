"""Options of a component, declared once: a frozen dataclass whose annotations hold type and range.

The component's constructor takes the dataclass, the check of configurations reads the annotations
(:mod:`mmseg.option_types`), and its docstring tells what each option means.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, TypeVar, get_type_hints

from mmseg.errors import ConfigError, nearest
from mmseg.option_types import Length, Range, expectation, fits, shown

Share = Annotated[float, Range(0, 1)]
Amount = Annotated[float, Range(0)]
Positive = Annotated[float, Range(0, above=True)]
Count = Annotated[int, Range(0)]
AtLeastOne = Annotated[int, Range(1)]
Rate = Annotated[float, Range(0, 1, below=True)]
"""Of dropout: with 1 nothing would be left."""

Item = TypeVar('Item')
Several = Annotated[Sequence[Item], Length(1)]
"""A list that is not empty."""


@dataclass(frozen=True)
class NoOptions:
    """Base of all; by itself the options of a component that has none."""

    @classmethod
    def completed(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is given (valid by itself), with what it implies for other options; nothing by default."""
        return given

    def conflicts(self) -> list[str]:
        """Sentences about options that do not go together; they begin with the name of an option."""
        return []


def declared_by(options: type) -> dict[str, tuple[Any, bool]]:
    """Annotation of each option of a dataclass, and whether it is needed."""
    hints = get_type_hints(options, include_extras=True)
    return {
        field.name: (hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(options)
        if field.init
    }


def check_declaration(owner: type, options: object) -> None:
    """Make sure that the options of a component of one's own can be read.

    Args:
        owner: the component.
        options: what stands under its ``Options``.

    Raises:
        ConfigError: it is no dataclass derived from :class:`NoOptions`, or an option is called ``type``.
    """
    name = f'{owner.__name__}.Options'
    example = 'write "@dataclass(frozen=True)" above "class MyOptions(NoOptions):"'
    if not (isinstance(options, type) and issubclass(options, NoOptions)):
        kind = options.__name__ if isinstance(options, type) else repr(options)
        raise ConfigError(
            f'{name}: found {kind}, expected a dataclass derived from mmseg.options.NoOptions; {example}.'
        )
    if '__dataclass_fields__' not in vars(options):
        raise ConfigError(
            f'{name}: {options.__name__} is no dataclass, so what it declares is lost; {example}.'
        )
    if any(field.name == 'type' for field in fields(options)):
        raise ConfigError(
            f'{name}: an option cannot be called "type", which names the component itself. Give it another name.'
        )


Options = TypeVar('Options', bound=NoOptions)


def problems(kind: type[NoOptions], given: Any, place: Callable[[str], str] = str) -> list[str]:
    """One sentence for each option that is unknown, missing, of another type or out of its range, or, if there are
    none, for those that contradict each other; arguments as :func:`parse`.
    """
    if not isinstance(given, Mapping):
        return [f'{place("").rstrip(".")}: found {shown(given)}, expected a dict.']
    declared = declared_by(kind)
    found = [
        f'{place(name)}: unknown key{nearest(str(name), declared)}.' for name in given if name not in declared
    ]
    found += [
        f'{place(name)}: found {shown(given[name])}, expected {expectation(annotation)}.'
        for name, (annotation, _) in declared.items()
        if name in given and not fits(given[name], annotation)
    ]
    found += [
        f'{place(name)}: missing.' for name, (_, needed) in declared.items() if needed and name not in given
    ]
    if found:
        return found
    _check_defaults(kind, given, declared)
    told = kind(**kind.completed(given)).conflicts()
    if not isinstance(told, list | tuple) or not all(isinstance(sentence, str) for sentence in told):
        raise ConfigError(
            f'{kind.__name__}.conflicts: found {shown(told)}, expected a list of sentences, empty if there is none.'
        )
    return [_placed(sentence, place) for sentence in told]


def _check_defaults(
    kind: type[NoOptions], given: Mapping[str, Any], declared: Mapping[str, tuple[Any, bool]]
) -> None:
    for option in fields(kind):
        annotation = declared.get(option.name, (Any, False))[0]
        if (
            option.name not in given
            and option.default is not MISSING
            and not fits(option.default, annotation)
        ):
            raise ConfigError(
                f'{kind.__name__}.{option.name}: found the default {shown(option.default)}, expected '
                f'{expectation(annotation)}, as it is declared.'
            )


def parse(kind: type[Options], given: Mapping[str, Any], place: Callable[[str], str] = str) -> Options:
    """Options from a configuration.

    Args:
        kind: their dataclass.
        given: values by option name.
        place: where an option stands in the configuration, for messages.

    Raises:
        ConfigError: there are :func:`problems`; all are listed.
    """
    if found := problems(kind, given, place):
        raise ConfigError(' '.join(found))
    return kind(**kind.completed(given))


def _placed(sentence: str, place: Callable[[str], str]) -> str:
    """A sentence that begins with an option's name, with its place instead."""
    name, separator, rest = sentence.partition(':')
    return f'{place(name)}{separator}{rest}'
