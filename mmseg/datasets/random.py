"""Randomness of the data side: sample i of a run is a pure function of (seed, i).

Every random decision comes from an argument of the narrow type :class:`Rng`, which ``numpy.random.Generator``
satisfies, so that reference checks can replay recorded draws.
"""

from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_STREAM = 0
PERMUTATION_STREAM = 1
SHARE_STREAM = 2

Shares = NDArray[np.float64]
"""Probability of each picture of a data set, (n,); they sum up to 1."""


class Rng(Protocol):
    """What transforms and data sets may draw."""

    def integers(self, low: int, high: int) -> Any:
        """A whole number in [low, high)."""

    def random(self) -> float:
        """A number in [0, 1)."""

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""

    def choice(self, a: int, *, p: NDArray[np.float64] | None = None) -> Any:
        """A whole number in [0, a), with probabilities ``p`` if given."""

    def permutation(self, n: int) -> NDArray[np.int64]:
        """0..n-1 in random order."""


def rng_for(seed: int, index: int) -> np.random.Generator:
    """The generator of sample ``index`` of a run with ``seed``; independent of every other sample's."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SAMPLE_STREAM, index)))


@lru_cache(maxsize=8)
def _permutation(n: int, seed: int, stream: int, epoch: int) -> NDArray[np.int64]:
    sequence = np.random.SeedSequence(seed, spawn_key=(PERMUTATION_STREAM, stream, epoch))
    order = np.random.default_rng(sequence).permutation(n)
    order.setflags(write=False)
    return order


def picked_index(i: int, n: int, seed: int, shares: Shares | None, stream: int = 0) -> int:
    """Picture number i of a run: :func:`shuffled_index`, or with shares an independent draw from them."""
    if shares is None:
        return shuffled_index(i, n, seed, stream)
    sequence = np.random.SeedSequence(seed, spawn_key=(SHARE_STREAM, stream, i))
    return int(np.random.default_rng(sequence).choice(n, p=shares))


def shuffled_index(i: int, n: int, seed: int, stream: int = 0) -> int:
    """Position i of an endless sequence in which every block of n holds each of 0..n-1 once, shuffled.

    Args:
        i: position, from 0.
        n: size of the data set.
        seed: seed of the run.
        stream: numbers several independent sequences of one run (source, target).
    """
    return int(_permutation(n, seed, stream, i // n)[i % n])
