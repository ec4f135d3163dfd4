"""What docstrings say about options: their sections ``Args`` and ``Attributes``."""

import inspect
import pkgutil
import re
from collections.abc import Iterable
from typing import Any

SECTION = re.compile(r'(?:Args|Attributes):')
ENTRY = re.compile(r'(?P<names>\w+(?:, \w+)*): (?P<text>.*)')
ROLE = re.compile(r':(?:class|func|meth|attr|data|mod):`~?([^`]*)`')
PAGE = re.compile(r'\bdocs/((?:methods/)?[\w-]+\.md)(#[\w-]+)?')
WORD = re.compile(r'[a-z]+[ ,.:;]')
"""The beginning of a sentence; names, quotations and brackets stay as they are."""

SEE = re.compile(r'see :class:`~?([\w.]+)`(.*)')
ELSEWHERE = ('see there',)
"""Meanings that send the reader to the docstring of the base class."""


def meanings(kind: object) -> dict[str, str]:
    """Meaning of each option that a class or function declares, by name; base classes tell the rest."""
    found: dict[str, str] = {}
    for owner in kind.__mro__ if isinstance(kind, type) else [kind]:
        for name, text in _entries(vars(owner).get('__doc__') if isinstance(owner, type) else owner.__doc__):
            if not text.startswith(ELSEWHERE):
                found.setdefault(name, _followed(text, name, owner))
    return found


def _followed(text: str, name: str, owner: Any) -> str:
    """A meaning; what another class tells in its place where it says only ``see :class:`Other```."""
    see = SEE.fullmatch(text)
    if not see:
        return text
    path = see[1] if '.' in see[1] else f'{owner.__module__}:{see[1]}'
    try:
        told = meanings(pkgutil.resolve_name(path)).get(name)
    except (ImportError, AttributeError):
        return text
    return text if told is None else told.rstrip('.') + see[2]


def _entries(docstring: str | None) -> Iterable[tuple[str, str]]:
    inside, current = False, ''
    texts: dict[str, list[str]] = {}
    for line in inspect.cleandoc(docstring or '').splitlines():
        if not line.startswith(' '):
            inside = bool(SECTION.fullmatch(line)) or (inside and not line)
            current = ''
        elif inside and (entry := ENTRY.fullmatch(line.strip())) and re.match(r' {4}\S', line):
            current = (
                '' if entry['names'] in texts else entry['names']
            )  # arguments before attributes of that name
            texts.setdefault(entry['names'], [entry['text']])
        elif current:
            texts[current].append(line.strip())
    for names, lines in texts.items():
        for name in names.split(', '):
            yield name, ' '.join(lines)


def as_markdown(text: str) -> str:
    """A docstring's text in a cell of a table; pages it cites become links beside the reference."""
    plain = ROLE.sub(r'`\1`', text).replace('``', '`').replace('|', '\\|')
    linked = PAGE.sub(lambda page: f'[{page[1].removesuffix(".md")}]({page[1]}{page[2] or ""})', plain)
    return linked[:1].upper() + linked[1:] if WORD.match(linked) else linked
