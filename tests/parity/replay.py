"""A source of randomness that gives recorded draws back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.parity.core import Check


class Replay:
    """Satisfies ``mmseg.datasets.random.Rng``; every request must be the recorded one.

    Args:
        draws: dicts with ``draw`` ('integer' with low, high and value; 'uniform' with value in [0, 1);
            'choice' with
            ``among`` and value), in order.
    """

    def __init__(self, draws: Sequence[dict[str, Any]]) -> None:
        self.draws = list(draws)
        self.position = 0

    def integers(self, low: int, high: int) -> int:
        """The recorded whole number; the bounds must agree."""
        draw = self._next('integer')
        if (draw['low'], draw['high']) != (low, high):
            raise AssertionError(
                f'draw {self.position}: integers({low}, {high}) asked for, [{draw["low"]}, {draw["high"]}) '
                'recorded'
            )
        return int(draw['value'])

    def random(self) -> float:
        """The recorded number in [0, 1)."""
        return float(self._next('uniform')['value'])

    def uniform(self, low: float, high: float) -> float:
        """The recorded number, scaled."""
        return low + (high - low) * self.random()

    def choice(self, a: int, *, p: Any = None) -> int:
        """Position of the recorded value in its pool; size of the pool and use of probabilities must agree."""
        draw = self._next('choice')
        if len(draw['among']) != a or bool(draw.get('with_class_probabilities')) != (p is not None):
            raise AssertionError(f'draw {self.position}: one of {a} asked for, recorded: {draw}')
        return draw['among'].index(draw['value'])

    def permutation(self, n: int) -> NDArray[np.int64]:
        """The recorded order of 0..n-1."""
        return np.array(self._next('permutation')['value'])

    def check_finished(self, check: Check) -> None:
        """All recorded draws were used."""
        check.equal('number of draws', self.position, len(self.draws))

    def _next(self, kind: str) -> dict[str, Any]:
        if self.position >= len(self.draws):
            raise AssertionError(f'more than the {len(self.draws)} recorded draws were asked for')
        draw = self.draws[self.position]
        self.position += 1
        if draw['draw'] != kind:
            raise AssertionError(f'draw {self.position}: {kind} asked for, {draw["draw"]} recorded')
        return draw
