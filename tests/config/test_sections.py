"""Places of data sets and heads, and what is known of them without building anything."""

from pathlib import Path
from typing import Any

from mmseg.config.sections import data_components, data_sets, heads_of, names_of, palette_of, steps_of
from mmseg.datasets.classes import CLASSES, PALETTE


def data(**options: Any) -> dict[str, Any]:
    return {'type': 'CustomDataset', 'img_dir': 'images', **options}


NESTED = {'train': {'type': 'UDADataset', 'source': [data(), data()], 'target': {
    'type': 'RepeatDataset', 'times': 2, 'dataset': data()}}, 'test': data()}  # fmt: skip


def test_single_data_sets_have_places() -> None:
    assert [place for place, _ in data_sets(NESTED)] == [
        'data.train.source.0', 'data.train.source.1', 'data.train.target.dataset', 'data.test'
    ]  # fmt: skip


def test_those_that_hold_others_come_first() -> None:
    places = [place for place, _ in data_components(NESTED)]
    assert places[0] == 'data.train'
    assert places[3:5] == ['data.train.target', 'data.train.target.dataset']
    assert list(data_components('text')) == list(data_components({'type': 'CustomDataset'})) == []


def test_names_and_colours(tmp_path: Path) -> None:
    (tmp_path / 'names.txt').write_text('a\nb\n')
    assert names_of(data(classes=str(tmp_path / 'names.txt'))) == ('a', 'b')
    assert names_of(data()) is names_of(data(classes='a')) is names_of(data(classes=['a', 'a'])) is None
    assert names_of({'type': 'GTADataset'}) == CLASSES
    assert palette_of({'type': 'GTADataset'}) == PALETTE
    assert palette_of({'type': 'GTADataset', 'classes': ['road']}) is None
    assert palette_of(data(palette=[[0, 0, 0]])) == [[0, 0, 0]]


def test_steps_of_presets_and_lists() -> None:
    preset = {'type': 'TestPipeline', 'img_scale': (64, 32)}
    assert steps_of(preset)[0] == {'type': 'LoadImageFromFile'}
    assert steps_of([{'type': 'Pad'}, 'no step']) == [{'type': 'Pad'}]
    assert steps_of({**preset, 'img_scale': 5}) == steps_of(None) == []


def test_heads_have_places() -> None:
    model = {'decode_head': {'type': 'A'}, 'auxiliary_head': [{'type': 'B'}, None]}
    assert [place for place, _ in heads_of(model)] == ['model.decode_head', 'model.auxiliary_head.0']
