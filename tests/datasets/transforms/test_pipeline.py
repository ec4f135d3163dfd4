"""Where a pipeline is cut."""

from typing import Any, ClassVar

import pytest

from mmseg.datasets.random import Rng, rng_for
from mmseg.datasets.transforms import Pipeline, Results, Transform
from mmseg.errors import ConfigError
from mmseg.registry import TRANSFORMS


class Note(Transform):
    """Writes its name, and a drawn number if it is random."""

    touches_labels: ClassVar[bool] = False

    def __init__(self, name: str, random: bool = False) -> None:
        self.name, self._random = name, random

    @property
    def random(self) -> bool:
        return self._random

    def draw(self, results: Results, rng: Rng) -> Any:
        return rng.random() if self._random else None

    def apply(self, results: Results, drawn: Any) -> Results:
        results['notes'] = [*results['notes'], (self.name, drawn)]
        return results


class Move(Note):
    """Moves labels."""

    touches_labels: ClassVar[bool] = True


def names(results: Results) -> str:
    return ''.join(name for name, _ in results['notes'])


def test_parts_of_a_training_pipeline() -> None:
    steps = [Note('l'), Move('r'), Move('c', True), Move('f', True), Note('p', True), Note('n'), Move('x')]
    pipeline = Pipeline(steps)
    prepared = pipeline.prepare({'notes': []}, rng_for(0, 0))
    assert names(prepared) == 'lr'
    placed = pipeline.place(prepared, rng_for(0, 0))
    assert names(placed) == 'lrcf'
    assert names(prepared) == 'lr'
    assert names(pipeline.finish(placed, rng_for(0, 0))) == 'lrcfpnx'


def test_parts_follow_one_another_in_the_draws() -> None:
    pipeline = Pipeline([Note('l'), Move('c', True), Note('p', True)])
    rng = rng_for(3, 0)
    expected = [rng.random(), rng.random()]
    assert [value for _, value in pipeline({'notes': []}, rng_for(3, 0))['notes'] if value] == expected


def test_pipeline_without_draws_is_all_preparation() -> None:
    pipeline = Pipeline([Note('l'), Move('r')])
    assert names(pipeline.prepare({'notes': []}, rng_for(0, 0))) == 'lr'
    assert names(pipeline({'notes': []}, rng_for(0, 0))) == 'lr'


def test_steps_are_built_from_configuration() -> None:
    steps = Pipeline([{'type': 'RandomFlip', 'prob': 0.5}]).steps
    assert type(steps[0]).__name__ == 'RandomFlip'


def test_a_step_that_is_none_is_told() -> None:
    @TRANSFORMS.register_module(name='Published')
    class Published:
        def __call__(self, results: Results) -> Results:
            return results

    try:
        with pytest.raises(ConfigError, match=r'Pipeline step Published: .*derived from .*Transform.* apply'):
            Pipeline([{'type': 'Published'}])
    finally:
        del TRANSFORMS.module_dict['Published']


def test_a_step_that_returns_nothing_is_told() -> None:
    class Forgetful(Note):
        def apply(self, results: Results, drawn: Any) -> Any:
            super().apply(results, drawn)

    with pytest.raises(ConfigError, match='Pipeline step Forgetful, function apply: found None'):
        Pipeline([Forgetful('x'), Note('y')])({'notes': []}, rng_for(0, 0))
