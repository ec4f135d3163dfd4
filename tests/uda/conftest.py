"""Parts of one's own for tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mmseg.registry import PARTS
from mmseg.uda.part import Part

Answer = Callable[..., Any]


@pytest.fixture
def registered() -> Iterator[Callable[..., dict[str, Any]]]:
    """Registers a part that answers with these functions (self left out); returns its entry in ``uda.parts``."""
    names: list[str] = []

    def register(name: str = 'Odd', **functions: Any) -> dict[str, Any]:
        body = {
            key: value if not callable(value) or isinstance(value, type) else _method(value)
            for key, value in functions.items()
        }
        PARTS.register_module(name=name, module=type(name, (Part,), body))
        names.append(name)
        return {'type': name}

    yield register
    for name in names:
        del PARTS.module_dict[name]


def _method(function: Answer) -> Answer:
    return lambda self, *arguments: function(self.host, *arguments)
