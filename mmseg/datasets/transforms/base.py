"""What a pipeline step is."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from mmseg.datasets.random import Rng

Results = dict[str, Any]
"""What travels through a pipeline. ``img`` (H, W, 3), BGR uint8 until Normalize; one (H, W) uint8 map per
name in ``seg_fields``; and the facts that end up in ``img_metas``."""


class Transform(ABC):
    """One step, split in a drawing and an applying half.

    Attributes:
        touches_labels: whether the step moves or changes label maps. Rare class sampling repeats only the
            random
            steps up to the last one that does.
    """

    touches_labels: ClassVar[bool] = False

    @property
    def random(self) -> bool:
        """Whether the step draws anything; the fixed first steps of a pipeline run once per picture."""
        return False

    def draw(self, results: Results, rng: Rng) -> Any:
        """The random decisions for these results; None if there are none. Does not change the results."""
        return None

    @abstractmethod
    def apply(self, results: Results, drawn: Any) -> Results:
        """Carry out the step. May put new values into ``results``, never changes an array in place."""

    def __call__(self, results: Results, rng: Rng) -> Results:
        """Draw, then apply."""
        return self.apply(results, self.draw(results, rng))
