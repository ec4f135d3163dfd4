"""Networks of a part are those of its method: trained, saved, moved to the device."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from mmseg.errors import ConfigError
from mmseg.registry import PARTS
from mmseg.uda.part import Part
from tests.uda.networks import small_method

Answer = Callable[..., Any]


@pytest.mark.parametrize('prefix', ['a.b', '', 'model', 'student', 'parts', 'training'])
def test_prefixes_that_cannot_be_used(prefix: str, registered: Answer) -> None:
    with pytest.raises(ConfigError, match=f'part Odd, function modules: found the prefix {prefix!r}'):
        small_method(parts=[registered(modules=lambda host: {prefix: nn.Linear(1, 1)})])


def test_modules_that_are_none(registered: Answer) -> None:
    for name, answer in (('One', None), ('Two', {'x': 5})):
        entry = registered(name, modules=lambda host, answer=answer: answer)
        with pytest.raises(ConfigError, match=f'part {name}, function modules'):
            small_method(parts=[entry])


KEPT = {
    'a network': lambda host: nn.Linear(1, 1),
    'a parameter': lambda host: nn.Parameter(torch.ones(1)),
    'a list': lambda host: [host.student, nn.Linear(1, 1)],
    'a dict': lambda host: {'x': (nn.BatchNorm2d(1, affine=False),)},
}
"""What would be neither trained nor saved."""

FREE = {
    'the student': lambda host: [host.student, host.student.decode_head],
    'a function': lambda host: nn.CrossEntropyLoss(),
    'a tensor': lambda host: torch.ones(1),
}


def holder(what: Answer) -> type[Part]:
    class Holder(Part):
        """Keeps something to itself."""

        def __init__(self, options: Any, host: Any) -> None:
            super().__init__(options, host)
            self.kept = what(host)

    return Holder


@pytest.mark.parametrize('kind', [*KEPT, *FREE])
def test_a_network_that_is_not_named(kind: str) -> None:
    PARTS.register_module(name='Holder', module=holder({**KEPT, **FREE}[kind]))
    try:
        if kind in FREE:
            small_method(parts=[{'type': 'Holder'}])
            return
        with pytest.raises(
            ConfigError, match=r'part Holder, function modules: .* self\.kept .* neither trained nor'
        ):
            small_method(parts=[{'type': 'Holder'}])
    finally:
        del PARTS.module_dict['Holder']


def test_a_part_that_does_not_know_its_method(registered: Answer) -> None:
    entry = registered()
    PARTS.module_dict['Odd'].__init__ = lambda self, options, host: None
    with pytest.raises(ConfigError, match=r'Odd\.__init__: .*super\(\)'):
        small_method(parts=[entry])
