"""The members of large JSON files a block at a time, so that a file of 200 MB does not become 600 MB of objects."""

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

BLOCK = 1 << 20
"""Bytes that are read at once."""

_decode = json.JSONDecoder().raw_decode


def list_blocks(file: BinaryIO) -> Iterator[list[Any]]:
    """The members of the list that a file holds, some at a time.

    Raises:
        ValueError: the file holds no JSON, or something else than a list.
    """
    text = _Text(file)
    text.expect('[')
    yield from _members(text)
    text.expect_end()


def lists_by_key(file: BinaryIO) -> Iterator[tuple[str, list[Any]]]:
    """The members of the lists in the object that a file holds, some at a time, with their key.

    Raises:
        ValueError: the file holds no JSON or something else, nothing at all, or a key comes twice.
    """
    text, known = _Text(file), set[str]()
    text.expect('{')
    while text.next() != '}':
        if known:
            text.expect(',')
        key = text.value()
        if not isinstance(key, str) or key in known:
            raise ValueError(f'key {key!r}')
        known.add(key)
        text.expect(':')
        text.expect('[')
        yield key, []  # of an empty list, too
        for members in _members(text):
            yield key, members
    text.expect('}')
    text.expect_end()
    if not known:
        raise ValueError('empty')


def _members(text: '_Text') -> Iterator[list[Any]]:
    """What follows an opening bracket, up to the closing one and with it."""
    if text.next() == ']':
        text.expect(']')
        return
    while True:
        yield text.values()
        if text.next() == ']':
            text.expect(']')
            return
        text.expect(',')


class _Text:
    """The text of a file, of which a block or the longest member is in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder('utf-8-sig')()
        self._text, self._at, self._ended = '', 0, False

    def _more(self) -> bool:
        """Read a block; False at the end of the file."""
        if self._ended:
            return False
        block = self._file.read(BLOCK)
        self._ended = not block
        self._text = self._text[self._at :] + self._decoder.decode(block, self._ended)
        self._at = 0
        return not self._ended

    def next(self) -> str:
        """The next character that is no blank, which stays; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in ' \t\r\n':
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ''

    def expect(self, character: str) -> None:
        """Pass over a character."""
        if self.next() != character:
            raise ValueError(f'expected {character}')
        self._at += 1

    def expect_end(self) -> None:
        """Nothing follows."""
        if self.next():
            raise ValueError('more than one value')

    def value(self) -> Any:
        """The next value."""
        self.next()
        while True:
            try:
                value, end = _decode(self._text, self._at)
            except ValueError:
                if self._ended:
                    raise
            else:
                if end < len(self._text) or self._ended:  # the rest of a number may be in the next block
                    self._at = end
                    return value
            self._more()

    def values(self) -> list[Any]:
        """At least one of the members of a list, those that are in memory if they are lists or objects.

        The last closing bracket in memory mostly ends a member. Where it ends a part of one, stands in a text or
        belongs to the list itself, brackets before it do not match, and members are read one by one.
        """
        closing = {'[': ']', '{': '}'}.get(self.next())
        end = self._text.rfind(closing, self._at) + 1 if closing else 0
        if end:
            try:
                members: list[Any] = json.loads(f'[{self._text[self._at : end]}]')
            except ValueError:
                return self._few()
            self._at = end
            return members
        return [self.value()]

    def _few(self) -> list[Any]:
        """The members one by one, as long as they are whole and a comma follows."""
        members = [self.value()]
        while self._text[self._at : self._at + 1] == ',':
            rest = self._at + 1
            while self._text[rest : rest + 1].isspace():
                rest += 1
            try:
                value, end = _decode(self._text, rest)
            except ValueError:
                break
            if end == len(self._text):
                break
            members.append(value)
            self._at = end
        return members
