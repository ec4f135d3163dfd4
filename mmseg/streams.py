"""Streams of random numbers for one training step.

What a stream yields is a pure function of (seed, iteration, kind of decision), so a resumed run repeats the same
decisions whatever happened before, and switching one kind on leaves the others as they were. It is the same in all
processes, which share one batch (:mod:`mmseg.models.global_batch`). The reference checks put stored decisions in their
place.
"""

import zlib
from typing import Any, Protocol

import numpy as np


class Streams:
    """The random numbers of one step.

    Args:
        seed: seed of the run, >= 0.
        iteration: number of the step, >= 0.
    """

    def __init__(self, seed: int, iteration: int = 0) -> None:
        # The 0 was the number of the process once.
        self._key = (seed, 0, iteration)
        self._streams: dict[str, np.random.Generator] = {}

    def stream(self, name: str) -> np.random.Generator:
        """The generator of one kind of decision; asking again continues it."""
        if name not in self._streams:
            entropy = np.random.SeedSequence([*self._key, zlib.crc32(name.encode())])
            self._streams[name] = np.random.Generator(np.random.PCG64(entropy))
        return self._streams[name]


class StreamSource(Protocol):
    """What a network's random decisions come from, see :class:`Streams`."""

    def stream(self, name: str) -> Any:
        """A generator of random numbers for one kind of decision."""
