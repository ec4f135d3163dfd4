"""Mistakes in the class of a part that can be told before it is asked anything: a function that nobody asks because of
its name does nothing, silently.
"""

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from torch import nn

from mmseg.errors import ConfigError

ALIKE = 0.8
"""How much alike two names are (:mod:`difflib`) of which one is taken for the other, mistyped."""


def check_functions(kind: type, base: type) -> None:
    """Make sure that a class overrides what it means to.

    Args:
        kind: the class.
        base: declares the functions that are asked.

    Raises:
        ConfigError: a function takes other arguments, its name is mistyped, or the class is a network, too.
    """
    if issubclass(kind, nn.Module):
        raise ConfigError(
            f'{kind.__name__}: found a torch.nn.Module, expected a class derived from {base.__name__} alone, which '
            'names its networks in modules().'
        )
    asked = {name: value for name, value in vars(base).items() if _is_public_function(name, value)}
    for name, value in vars(kind).items():
        if name in asked:
            _check_arguments(kind, name, value, asked[name])
        elif _is_public_function(name, value):
            meant = get_close_matches(
                name, [each for each in asked if not _overrides(kind, base, each)], 1, ALIKE
            )
            if meant:
                raise ConfigError(
                    f'{kind.__name__}.{name}: {base.__name__} has no such function, so nothing would ask it; the '
                    f'nearest is {meant[0]!r}. A helper needs a name less like it, or an underscore before it.'
                )


def _is_public_function(name: str, value: Any) -> bool:
    return inspect.isfunction(value) and not name.startswith('_')


def _overrides(kind: type, base: type, name: str) -> bool:
    return getattr(kind, name) is not getattr(base, name)


def _check_arguments(kind: type, name: str, value: Any, asked: Callable[..., Any]) -> None:
    expected = list(inspect.signature(asked).parameters)[1:]
    wanted = f'{kind.__name__}.{name}: expected a function of (self, {", ".join(expected)})'.replace(
        ', )', ')'
    )
    if not callable(value) and not isinstance(value, staticmethod | classmethod):
        raise ConfigError(f'{wanted}, found an object of type {type(value).__name__}.')
    if not inspect.isfunction(value):
        return
    signature = inspect.signature(value)
    names = [each.name for each in signature.parameters.values() if each.kind is each.POSITIONAL_OR_KEYWORD][
        1:
    ]
    fits = all(own == each or own not in expected for each, own in zip(expected, names, strict=False))
    try:
        signature.bind(None, *expected)
    except TypeError:
        fits = False
    if not fits:
        raise ConfigError(f'{wanted}, found {signature}.')
