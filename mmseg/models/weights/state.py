"""What all modules about weight files share."""

from collections.abc import Iterable
from typing import TypeAlias

from torch import Tensor

State: TypeAlias = dict[str, Tensor]
"""Tensors by key."""


def some(keys: Iterable[str], limit: int = 5) -> str:
    """The first few keys and how many more there are."""
    names = list(keys)
    if not names:
        return 'none'
    rest = len(names) - limit
    return ', '.join(names[:limit]) + (f' and {rest} more' if rest > 0 else '')
