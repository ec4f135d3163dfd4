"""Training steps compared for several roundings of float32.

Source: tests/parity/cases/README.md#one-rounding-of-many.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mmseg.uda.trainable import Trainable
from tests.parity.core import Check

ROUNDINGS = 12
"""So many at most: the cases that rounding decides most often miss their numbers with one in two."""


def with_roundings(check: Check, compare: Callable[[Check, int], None], roundings: int = ROUNDINGS) -> None:
    """Run ``compare(check, rounding)`` for 0, 1, ... until one agrees with everything that is stored.

    ``check`` gets that one's comparisons or, where none agrees, those of rounding 0, which disturbs nothing.
    """
    first = Check()
    compare(first, 0)
    tried = first
    for rounding in range(1, roundings):
        if not tried.problems:
            break
        tried = Check()
        compare(tried, rounding)
    check.take(first if tried.problems else tried)


def disturb(trainable: Trainable, rounding: int) -> None:
    """Move every weight to a neighbouring float32 number or leave it; nothing for rounding 0.

    Weights are what any kernel of any machine rounds products of, so this reaches all that rounding decides.
    """
    if rounding == 0:
        return
    generator = torch.Generator().manual_seed(rounding)
    with torch.no_grad():
        for parameter in trainable.stored().parameters():
            parameter.copy_(neighbours(parameter, generator))


def neighbours(values: Tensor, generator: torch.Generator) -> Tensor:
    """The next number below, the number itself or the next above, each as likely."""
    draw = torch.randint(3, values.shape, generator=generator)
    below, above = (torch.nextafter(values, torch.full_like(values, end)) for end in (-torch.inf, torch.inf))
    return torch.where(draw == 0, below, torch.where(draw == 1, values, above))
