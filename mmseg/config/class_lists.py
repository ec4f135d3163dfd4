"""Classes of all data sets of a configuration beside each other: names, order, colours."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmseg.config.sections import Placed, names_of, palette_of

SHOWN = 6
"""Names of a list that a message shows."""


def class_problems(sets: Sequence[Placed]) -> list[str]:
    """One sentence for each list of classes that contradicts that of the first data set."""
    named = [(place, names) for place, single in sets if (names := names_of(single)) is not None]
    if not named:
        return []
    (first, expected), *others = named
    differing: dict[tuple[str, ...], list[str]] = {}
    for place, names in others:
        if place.startswith('data.test'):  # compared with the checkpoint, whose list is told beside it
            continue
        if names != expected and (sorted(names) == sorted(expected) or _split(place) == _split(first)):
            differing.setdefault(names, []).append(place)
    found = [
        f'{", ".join(places)}: classes are {_listed(names, expected)}, but {first} has {_listed(expected, names)}: '
        f'{_advice(names, expected)}'
        for names, places in differing.items()
    ]
    return [*found, *_colour_problems(sets)]


def class_doubts(sets: Sequence[Placed]) -> list[str]:
    """One sentence for each thing about classes that may be meant, but hardly is."""
    return [*_other_names(sets), *_equal_colours(sets), *_other_tables(sets)]


def _advice(names: Sequence[str], expected: Sequence[str]) -> str:
    if sorted(names) == sorted(expected):
        return 'the same names in another order, so classes would be taken for one another. List them in one order.'
    return 'data sets that are learned together need the same classes. Make them equal.'


def _colour_problems(sets: Sequence[Placed]) -> Iterator[str]:
    """Other colours for the same classes within a split, whose data sets count as one."""
    first: dict[str, tuple[str, Any]] = {}
    for place, single in sets:
        colours = palette_of(single)
        known, expected = first.setdefault(_split(place), (place, colours))
        if _plain(colours) and _plain(expected) and _plain(colours) != _plain(expected):
            yield f'{place}.palette: other colours than those of {known}; give data sets of one split the same.'


def _other_names(sets: Sequence[Placed]) -> Iterator[str]:
    """As many classes as are learned, but with other names."""
    place, single = next(iter(sets), ('', {}))
    expected = names_of(single)
    if expected is None:
        return
    seen = set()
    for where, single in sets:
        names = names_of(single)
        if names is None or names in seen or len(names) != len(expected) or _split(where) == _split(place):
            continue
        seen.add(names)
        if sorted(names) != sorted(expected):
            yield (
                f'{where} has the classes {_listed(names, expected)} where {place} has {_listed(expected, names)}; '
                'they are told apart by position, not by name: check that they mean the same.'
            )


def _equal_colours(sets: Sequence[Placed]) -> Iterator[str]:
    for place, single in sets[:1]:
        owner: dict[Any, str] = {}
        names, colours = names_of(single) or (), _plain(palette_of(single))
        for name, colour in zip(names, colours, strict=False):
            if owner.setdefault(colour, name) != name:
                yield f'{place}.palette: {owner[colour]} and {name} have the same colour and look alike in pictures.'


def _other_tables(sets: Sequence[Placed]) -> Iterator[str]:
    """Label maps of one place that are learned and scored with different ids."""
    first: dict[Any, tuple[str, Mapping[str, Any]]] = {}
    for place, single in sets:
        folder = str(single.get('data_root') or single.get('ann_dir'))
        if '.target' in place or single.get('ann_dir') is None:
            continue
        where, known = first.setdefault(folder, (place, single))
        for key, default in (('reduce_zero_label', False), ('ignore_index', 255)):
            ours, theirs = single.get(key, default), known.get(key, default)
            if ours != theirs:
                yield (
                    f'{key} is {theirs} in {where} and {ours} in {place}, but both read label maps below {folder}: ids '
                    'of one kind mean different classes. Set the same for both.'
                )
                return


def _plain(colours: Any) -> tuple[Any, ...]:
    """Colours that can be compared; none of what is no list of lists, which the check of types tells."""
    several = colours if isinstance(colours, list | tuple) else ()
    return tuple(tuple(colour) for colour in several if isinstance(colour, list | tuple))


def _split(place: str) -> str:
    return place.split('.')[1]


def _listed(names: Sequence[str], other: Sequence[str]) -> str:
    """Some names, beginning shortly before the first that differs."""
    start = next((i for i, (a, b) in enumerate(zip(names, other, strict=False)) if a != b), 0)
    start = max(min(start, len(names) - SHOWN), 0)
    shown = ', '.join(names[start : start + SHOWN])
    return f'{"..., " if start else ""}{shown}{", ..." if len(names) > start + SHOWN else ""}'
