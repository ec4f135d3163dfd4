"""Functions of a part that nobody would ask, or not as they are written, are told where the class is made."""

from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from mmseg.errors import ConfigError
from mmseg.uda.part import Part

WRONG = {
    'source': (lambda self, output, step: None, r'of \(self, step, output\), found \(self, output, step\)'),
    'after_step': (lambda self, step: None, r'of \(self, iteration, skipped\), found \(self, step\)'),
    'state': (lambda self, more: {}, r'of \(self\), found \(self, more\)'),
    'modules': ({}, r'of \(self\), found an object of type dict'),
    'soruce': (
        lambda self, step, output: None,
        "no such function, so nothing would ask it; the nearest is 'source'",
    ),
    'panel': (lambda self, groups, j: [], "the nearest is 'panels'"),
}

RIGHT: dict[str, Callable[..., Any]] = {
    'source': lambda self, s, o: None,
    'mixed': lambda self, *arguments: None,
    'groups': lambda self, step, strength=0.5: iter(()),
    'panels': lambda self, groups, j: [],
    'panel': lambda self, values: None,
    '_soruce': lambda self: None,
    'prototypes': lambda self, label: None,
}


@pytest.mark.parametrize('name', WRONG)
def test_functions_that_would_not_be_asked(name: str) -> None:
    body, told = WRONG[name]
    with pytest.raises(ConfigError, match=rf'Odd\.{name}: .*{told}'):
        type('Odd', (Part,), {name: body})


def test_functions_that_may_be_written_so() -> None:
    first = type('First', (Part,), RIGHT)
    type('Second', (first,), {'panel': lambda self, values: None})


def test_a_part_is_no_network() -> None:
    with pytest.raises(ConfigError, match=r'Odd: found a torch\.nn\.Module'):
        type('Odd', (Part, nn.Module), {})
