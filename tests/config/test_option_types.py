"""Every option of every registered component has a type, and every number of a network a range."""

import typing
from collections.abc import Iterator
from typing import Annotated, Any

import pytest

from mmseg.config.nested_types import _tables
from mmseg.datasets.building import INNER
from mmseg.datasets.presets import PRESETS
from mmseg.option_types import annotations, expectation, fits, mismatches, parameters
from mmseg.options import Rate, Several
from mmseg.registry import DATASETS, MODELS, PARTS, TRANSFORMS, Registry

REGISTRIES: dict[str, Registry] = {
    'models': MODELS, 'data sets': DATASETS, 'steps': TRANSFORMS, 'parts': PARTS,
}  # fmt: skip
for registry in REGISTRIES.values():
    registry.get('nothing')  # takes the modules that register
OURS = {
    f'{kind}: {name}': component
    for kind, registry in REGISTRIES.items()
    for name, component in sorted(registry.module_dict.items())
    if component.__module__.startswith('mmseg.')
}
LAYERS = {
    f'{slot}: {name}': layer
    for slot, table in _tables().items()
    for name, layer in (table.items() if isinstance(table, dict) else ())
}
DATA = {*INNER} - {'datasets'}
"""Options that hold data sets, which the check looks at one by one."""
INJECTED = {'model', 'max_iters', 'in_channels', 'channels', 'options', 'host'}
"""What the builder adds, or what heads judge themselves."""
FREE = {'in_index', 'ignore_index', 'num_classes', 'img_size', 'loss_weight', 'color_jitter_strength', 'depth',
        'class_weight', 'lambda_adv_target', 'lambda_ent', 'classes', 'imnet_feature_dist_classes'}  # fmt: skip
"""Numbers that may be negative, have no effect, or are judged by the component itself."""


@pytest.mark.parametrize('component', OURS.values(), ids=OURS)
def test_every_option_has_a_type(component: Any) -> None:
    allowed, _ = parameters(component)
    stranger = object()
    told = {key for key, _ in mismatches(component, dict.fromkeys(allowed, stranger))}
    assert told == allowed - DATA - {'options', 'host'}


@pytest.mark.parametrize('component', [*LAYERS.values(), *PRESETS.values()], ids=[*LAYERS, *PRESETS])
def test_every_option_of_layers_and_presets_has_a_type(component: Any) -> None:
    if component.__module__.startswith('mmseg.'):
        allowed, _ = parameters(component)
        assert {key for key, _ in mismatches(component, dict.fromkeys(allowed, object()))} == allowed


@pytest.mark.parametrize('name', [name for name in OURS if name.startswith(('models', 'parts'))])
def test_every_number_of_a_network_has_a_range(name: str) -> None:
    free = [key for key, annotation in annotations(OURS[name]).items() if {*bare_numbers(annotation)}]
    assert {*free} <= FREE | INJECTED


def bare_numbers(annotation: Any) -> Iterator[type]:
    """Numbers in an annotation, except those with a range."""
    if annotation in (int, float):
        yield annotation
    if typing.get_origin(annotation) is Annotated and typing.get_args(annotation)[0] in (int, float):
        return
    for inner in typing.get_args(annotation):
        yield from bare_numbers(inner)


def test_lengths_and_open_ends() -> None:
    assert fits([1], Several[int])
    assert not fits([], Several[int])
    assert not fits(['a'], Several[int])
    assert expectation(Several[int]) == 'a list of whole numbers (at least 1)'
    assert fits(0.999, Rate)
    assert not fits(1, Rate)
    assert not fits(float('inf'), Rate)
    assert expectation(Rate) == 'a number from 0 to below 1'
