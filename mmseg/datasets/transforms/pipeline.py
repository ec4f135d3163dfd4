"""A list of steps, cut where rare class sampling repeats it."""

from collections.abc import Sequence
from typing import Any

from mmseg.datasets.random import Rng
from mmseg.datasets.transforms.base import Results, Transform
from mmseg.errors import ConfigError
from mmseg.registry import TRANSFORMS


def build_transform(cfg: dict[str, Any] | Transform) -> Transform:
    """Build a registered step from its configuration; a built step is returned as it is.

    Raises:
        ConfigError: what is registered is no step.
    """
    step = cfg if isinstance(cfg, Transform) else TRANSFORMS.build(cfg)
    if not isinstance(step, Transform):
        raise ConfigError(
            f'Pipeline step {type(step).__name__}: expected a class derived from '
            'mmseg.datasets.transforms.base.Transform. What a published step does in __call__(self, results) stands in '
            'apply(self, results, drawn) there, and what it draws comes from draw(self, results, rng).'
        )
    return step


class Pipeline:
    """Steps in order, in three parts.

    ``prepare`` are the leading steps that draw nothing (decoding, fixed resizing): once per picture.
    ``place`` goes from the first random step to the last random one that touches label maps (crop, flip):
    rare class sampling repeats it. ``finish`` is the rest, which cannot change what the label map shows.

    Args:
        steps: configurations, or built steps.
    """

    def __init__(self, steps: Sequence[dict[str, Any] | Transform]) -> None:
        self.steps = [build_transform(step) for step in steps]
        drawing = [number for number, step in enumerate(self.steps) if step.random]
        self._first = drawing[0] if drawing else len(self.steps)
        placing = [number for number in drawing if self.steps[number].touches_labels]
        self._last = placing[-1] + 1 if placing else self._first

    def __call__(self, results: Results, rng: Rng) -> Results:
        """All steps."""
        return self.finish(self.place(self.prepare(results, rng), rng), rng)

    def prepare(self, results: Results, rng: Rng) -> Results:
        """The fixed first steps. ``rng`` is not drawn from."""
        return _run(self.steps[: self._first], results, rng)

    def place(self, prepared: Results, rng: Rng) -> Results:
        """The random steps up to the last that touches label maps; ``prepared`` stays as it is."""
        return _run(self.steps[self._first : self._last], dict(prepared), rng)

    def finish(self, placed: Results, rng: Rng) -> Results:
        """The remaining steps."""
        return _run(self.steps[self._last :], placed, rng)


def _run(steps: Sequence[Transform], results: Results, rng: Rng) -> Results:
    for step in steps:
        results = step(results, rng)
        if not isinstance(results, dict):
            raise ConfigError(
                f'Pipeline step {type(step).__name__}, function apply: found {results!r}, expected that it returns the '
                'results, with what it has changed.'
            )
    return results
