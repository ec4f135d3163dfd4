"""Class lists of all data sets agree, in order and colours."""

from typing import Any

import pytest

from mmseg.config import load_config
from mmseg.config.class_lists import class_doubts, class_problems
from mmseg.config.sections import data_sets
from mmseg.errors import ConfigError

NAMES = ['road', 'tree', 'water']
COLOURS = [[0, 0, 0], [0, 200, 0], [0, 0, 200]]


def data(**options: Any) -> dict[str, Any]:
    return {'type': 'CustomDataset', 'img_dir': 'images', 'ann_dir': 'labels', 'classes': NAMES, **options}


def pair(source: Any, target: Any) -> dict[str, Any]:
    return {'type': 'UDADataset', 'source': source, 'target': target}


def problems(**splits: Any) -> list[str]:
    return class_problems(list(data_sets(splits)))


def doubts(**splits: Any) -> list[str]:
    return class_doubts(list(data_sets(splits)))


def test_equal_lists_may_be_lists_and_tuples() -> None:
    train = pair([data(palette=COLOURS)], data(classes=tuple(NAMES), palette=[tuple(c) for c in COLOURS]))
    assert problems(train=train, val=data(), test=[data()]) == []
    assert problems() == doubts() == []


@pytest.mark.parametrize('place', ['val'])
def test_another_order_is_refused(place: str) -> None:
    (problem,) = problems(train=data(), **{place: data(classes=NAMES[::-1])})
    assert problem.startswith(
        f'data.{place}: classes are water, tree, road, but data.train has road, tree, water'
    )
    assert 'in one order' in problem


@pytest.mark.parametrize(
    'train',
    [
        pair(data(), data(classes=['road', 'tree'])),
        pair([data(), data(classes=['road', 'tree', 'sea'])], data()),
        [data(), {'type': 'RepeatDataset', 'times': 2, 'dataset': data(classes=['road', 'tree', 'sea'])}],
    ],
)
def test_data_sets_that_are_learned_together_have_the_same_classes(train: Any) -> None:
    (problem,) = problems(train=train)
    assert 'learned together need the same classes' in problem


def test_long_lists_are_shown_where_they_differ() -> None:
    names = [f'class {i}' for i in range(40)]
    (problem,) = problems(train=data(classes=names), val=data(classes=[*names[:-2], names[-1], names[-2]]))
    assert '..., class 34, class 35, class 36, class 37, class 39, class 38, but' in problem


def test_colours_within_a_split() -> None:
    (problem,) = problems(train=[data(palette=COLOURS), data(palette=COLOURS[::-1])])
    assert problem.startswith('data.train.1.palette: other colours than those of data.train.0')
    assert problems(train=data(palette=COLOURS), val=data(palette=5)) == [], 'of another type: told elsewhere'


def test_other_names_are_doubted() -> None:
    (doubt,) = doubts(train=data(), val=data(classes=['a', 'b', 'c']), test=data(classes=['a', 'b', 'c']))
    assert doubt.startswith('data.val has the classes a, b, c where data.train has road, tree, water')
    assert doubts(train=data(), val=data(classes=NAMES[:2])) == [], 'another number: compared with the head'


def test_colours_that_cannot_be_told_apart_are_doubted() -> None:
    (doubt,) = doubts(train=data(palette=[[0, 0, 0], [9, 9, 9], [0, 0, 0]]))
    assert 'road and water have the same colour' in doubt


@pytest.mark.parametrize('option', [{'reduce_zero_label': True}, {'ignore_index': 0}], ids=str)
def test_label_maps_of_one_place_mean_one_thing(option: dict[str, Any]) -> None:
    (doubt,) = doubts(train=data(data_root='x', **option), val=data(data_root='x', ann_dir='val'))
    assert doubt.startswith(f'{next(iter(option))} is ')
    assert 'both read label maps below x' in doubt
    assert doubts(train=data(data_root='x', **option), val=data(data_root='y')) == []


def test_the_configuration_is_refused() -> None:
    values = {'data': {'train': data(pipeline=[]), 'val': data(pipeline=[], classes=NAMES[::-1])}}
    with pytest.raises(ConfigError, match='in another order'):
        load_config(values)
