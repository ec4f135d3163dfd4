"""Docstrings in the style of this project as Markdown: sections become lists, references become links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mkdocs.exceptions import PluginError

from docs.making.meanings import PAGE, ROLE

SECTION = re.compile(r'(Args|Attributes|Raises|Returns|Yields|Source):\s*(.*)')
ENTRY = re.compile(r' {4}(?P<names>\*{0,2}[\w.]+(?:, \*{0,2}[\w.]+)*): (?P<text>.*)')
CODE = re.compile(r'``([^`]+)``')


@dataclass(frozen=True)
class Names:
    """What references can mean.

    Attributes:
        places: dotted name -> page and anchor, beside the pages.
        aliases: names under which things are imported -> where they are from.
    """

    places: dict[str, str]
    aliases: dict[str, str]

    def find(self, name: str, scope: str) -> str | None:
        """Page and anchor of a name as it is used in ``scope``, from the inside out; None if it is nothing of ours."""
        parts = scope.split('.')
        tried = [name] if name.startswith('mmseg') else []
        tried += [f'{".".join(parts[:depth])}.{name}' for depth in range(len(parts), 0, -1)]
        return next((found for one in tried if (found := self._place(one))), None)

    def _place(self, name: str) -> str | None:
        """Of a full name, or of what it is imported from (also ``Class.method`` of an imported class)."""
        for _ in range(5):
            if name in self.places:
                return self.places[name]
            head = next(
                (alias for alias in self.aliases if name == alias or name.startswith(f'{alias}.')), None
            )
            if head is None:
                return None
            name = self.aliases[head] + name.removeprefix(head)
        return None


def rendered(text: str, scope: str, names: Names) -> str:
    """A docstring as Markdown.

    Args:
        text: without common indentation.
        scope: dotted name of what it belongs to.
        names: what it may refer to.

    Raises:
        PluginError: it refers to something of this package that is not documented.
    """
    return '\n\n'.join(linked(block, scope, names) for block in _blocks(text))


def _blocks(text: str) -> Iterator[str]:
    lines = text.splitlines()
    position = 0
    while position < len(lines):
        section = SECTION.fullmatch(lines[position])
        if section is None:
            end = _until(lines, position, lambda line: SECTION.fullmatch(line) is not None)
            if body := '\n'.join(lines[position:end]).strip('\n'):
                yield body
        else:
            end = _until(lines, position + 1, lambda line: bool(line) and not line.startswith(' '))
            yield _section(section[1], section[2], lines[position + 1 : end])
        position = end


def _until(lines: list[str], start: int, ends: object) -> int:
    assert callable(ends)
    return next((number for number in range(start, len(lines)) if ends(lines[number])), len(lines))


def _section(title: str, first: str, lines: list[str]) -> str:
    """Entries as a list; other sections as a paragraph behind their title."""
    if title in ('Args', 'Attributes', 'Raises'):
        entries: list[list[str]] = []
        for line in lines:
            if entry := ENTRY.fullmatch(line):
                entries.append([f'`{entry["names"]}`: {entry["text"]}'])
            elif line.strip() and entries:
                entries[-1].append(line.strip())
        return f'**{title}**\n\n' + '\n'.join(f'- {" ".join(entry)}' for entry in entries)
    words = ' '.join(part for part in (first, *(line.strip() for line in lines)) if part)
    return f'**{title}** {words}'


def linked(text: str, scope: str, names: Names) -> str:
    """A text with its references as links; names that are nothing of this package are code."""

    def reference(found: re.Match[str]) -> str:
        name = found[1].removeprefix('~')
        place = names.find(name, scope)
        if place is None and name.startswith('mmseg'):
            raise PluginError(
                f'{scope}: its docstring refers to {name}, which is not documented. Repair the name.'
            )
        return (
            f'[`{name.rpartition(".")[2] if "~" in found[0] else name}`]({place})' if place else f'`{name}`'
        )

    def page(found: re.Match[str]) -> str:
        return f'[{found[1].removesuffix(".md")}](../{found[1]}{found[2] or ""})'

    text = CODE.sub(r'`\1`', ROLE.sub(reference, text))
    return PAGE.sub(page, text)
