"""Names of a package that are imported when they are first used (PEP 562): ``--help`` needs no torch."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def late(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package.

    Args:
        package: its ``__name__``.
        modules: module of the package -> names that are taken from it.
    """
    places = {name: module for module, names in modules.items() for name in names}

    def take(name: str) -> Any:
        if name not in places:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        return getattr(importlib.import_module(f'{package}.{places[name]}'), name)

    return take
