"""Values against annotations, and every registered component against values of the wrong type."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest
import torch

from mmseg.config.check import Report, _check_call
from mmseg.datasets.presets import PRESETS
from mmseg.option_types import annotations, expectation, fits, mismatches, parameters, shown
from mmseg.registry import DATASETS, MODELS, TRANSFORMS

COMPONENTS = {
    f'{registry.name}-{name}': component
    for registry in (MODELS, DATASETS, TRANSFORMS)
    for name, component in sorted(registry.module_dict.items())
} | {f'preset-{name}': preset for name, preset in PRESETS.items()}


@pytest.mark.parametrize(
    ('annotation', 'right', 'wrong', 'words'),
    [
        (int, [3, -1], [True, 3.0, '3', None, [3]], 'a whole number'),
        (float, [3, 0.5, float('inf')], [True, '3', float('nan'), None, 10**400], 'a number'),
        (bool, [True], [1, 0, 'False', None], 'True or False'),
        (str, ['a'], [1, ['a'], None], 'a text'),
        (str | None, ['a', None], [1, True], 'a text or None'),
        (Sequence[int], [[], [1, 2], (1,)], [1, '12', [1.5], [True], {}], 'a list of whole numbers'),
        (
            tuple[int, int],
            [[1, 2], (1, 2)],
            [128, [1], [1, 2, 3], '12', [1, '2']],
            'a list of 2 whole numbers',
        ),
        (Sequence[str] | str, ['a', ['a']], [1, [1]], 'a list of texts or a text'),
        (Sequence[Sequence[int]], [[[1]], []], [[1], 1], 'a list of lists'),
        (Sequence[Mapping[str, Any]], [[{}]], [{}, ['a']], 'a list of dicts'),
        (Mapping[str, float], [{'a': 1}], [{'a': 'b'}, [], 1], 'a dict of numbers'),
        (dict[str, Any] | None, [{'a': 'b'}, None], [[], 'a'], 'a dict or None'),
        (Literal['a', 'b'], ['a'], ['c', 1, ['a']], "'a' or 'b'"),
        (Literal[1], [1], [True, '1'], '1'),
        (tuple[float, ...], [[], [1, 2, 3]], [1, ['a']], 'a list of numbers'),
        (Any, [1, None, object()], [], None),
    ],
)
def test_values_and_words(annotation: Any, right: list[Any], wrong: list[Any], words: str | None) -> None:
    assert [value for value in right if not fits(value, annotation)] == []
    assert [value for value in wrong if fits(value, annotation)] == []
    assert words is None or expectation(annotation) == words


@pytest.mark.parametrize('name', COMPONENTS)
def test_every_parameter_of_every_component_refuses_a_stranger(name: str) -> None:
    component = COMPONENTS[name]
    allowed, _ = parameters(component)
    known = annotations(component)
    assert allowed <= set(known), f'parameters without a type: {sorted(allowed - set(known))}'
    typed = {key for key in allowed if known[key] is not Any and not isinstance(known[key], str)}
    stranger = object()
    report = Report()
    _check_call(component, {'type': name, **dict.fromkeys(typed, stranger)}, 'place', report)
    told = {problem.split(':')[0] for problem in report.problems if 'found <object' in problem}
    assert told == {f'place.{key}' for key in typed}


def test_defaults_fit_their_annotations() -> None:
    import inspect

    for name, component in COMPONENTS.items():
        signature = inspect.signature(component).parameters.values()
        defaults = {p.name: p.default for p in signature if p.default is not p.empty}
        assert list(mismatches(component, defaults)) == [], name


def test_optimisers_of_torch_are_checked_too() -> None:
    given = {'betas': 0.9, 'eps': 'small', 'amsgrad': 1, 'weight_decay': 0.01}
    assert {key for key, _ in mismatches(torch.optim.AdamW, given)} == {'betas', 'eps', 'amsgrad'}


def test_options_of_bases_count_where_kwargs_hand_them_on() -> None:
    class Base:
        def __init__(self, depth: int, width: int = 2) -> None: ...

    class Child(Base):
        def __init__(self, style: str, **kwargs: Any) -> None: ...

    assert parameters(Base) == ({'depth', 'width'}, {'depth'})
    assert parameters(Child) == ({'style', 'depth', 'width'}, {'style', 'depth'})
    assert parameters(lambda size, ratio=1: None) == ({'size', 'ratio'}, {'size'})
    assert {key for key, _ in mismatches(Child, {'depth': 'deep', 'style': 1})} == {'depth', 'style'}


def test_long_values_are_cut() -> None:
    assert len(shown(list(range(1000)))) == 80
