"""What needs or excludes something else (more of it in test_check.py)."""

from typing import Any

import pytest

from mmseg.config.combinations import combination_problems


def data(**options: Any) -> dict[str, Any]:
    return {'type': 'CustomDataset', 'img_dir': 'images', 'classes': ['a', 'b', 'c'], **options}


def config(**options: Any) -> dict[str, Any]:
    return {'model': {'type': 'EncoderDecoder'}, 'data': {'train': data(**options), 'val': data()}}


def told(values: dict[str, Any]) -> str:
    return ' '.join(combination_problems(values))


def test_what_fits() -> None:
    assert combination_problems(config()) == combination_problems({}) == []


@pytest.mark.parametrize('place', ['train', 'val'])
def test_pairs_stand_where_they_are_learned(place: str) -> None:
    values = config()
    values['data'][place] = [{'type': 'UDADataset', 'source': data(), 'target': data()}]
    assert f'data.{place}.0: found a pair of source and target' in told(values)


def test_training_needs_names_of_classes() -> None:
    assert 'data.train.classes: missing; expected a list of names' in told(config(classes=None))
    values = config()
    values['data']['test'] = {**data(), 'classes': None}
    assert told(values) == '', 'a picture can be segmented without them'


def test_training_needs_labels() -> None:
    assert 'data.train.test_mode: found True' in told(config(test_mode=True))


def test_windows_leave_no_gaps() -> None:
    values = config()
    values['model']['test_cfg'] = {'mode': 'slide', 'crop_size': [64, 64], 'stride': [32, 65]}
    assert 'model.test_cfg.stride: found [32, 65] with crop_size [64, 64]' in told(values)
    values['model']['test_cfg']['stride'] = [32, 64]
    assert told(values) == ''


def pair(source: int, target: int, **options: Any) -> dict[str, Any]:
    def side(size: int) -> dict[str, Any]:
        return data(pipeline={'type': 'TrainPipeline', 'img_scale': (64, 64), 'crop_size': (size, size)})

    train = {'type': 'UDADataset', 'source': side(source), 'target': side(target), **options}
    return {'uda': {'type': 'DACS'}, 'data': {'train': train}}


def test_crops_that_are_mixed_have_one_size() -> None:
    assert told(pair(32, 32)) == ''
    assert '[32, 32] in data.train.source and [16, 16] in data.train.target' in told(pair(32, 16))
    assert told(pair(32, 16, sync_crop_size=(16, 16))) == ''
    assert told({**pair(32, 16), 'uda': {'type': 'DACS', 'source_only': True}}) == ''
    assert told({**pair(32, 16), 'uda': {'type': 'MinEnt'}}) == ''


@pytest.mark.parametrize('size', [[[64], 64], 64, 'x', {'a': 1}, [64, {}], [64, 64, 64], None])
def test_sizes_of_other_types_are_left_to_their_step(size: Any) -> None:
    pair = {'type': 'UDADataset'} | {
        side: data(pipeline=[{'type': 'Pad', 'size': value}])
        for side, value in (('source', size), ('target', (8, 8)))
    }
    assert 'cannot be mixed' not in told({'uda': {'type': 'DACS'}, 'data': {'train': pair}})


@pytest.mark.parametrize(
    'other',
    [
        {'activation_checkpointing': True},
        {'gradient_accumulation': 2},
        {'uda': {'type': 'DACS', 'print_grad_magnitude': True}},
    ],
)
def test_what_a_compiled_network_does_not_allow(other: dict[str, Any]) -> None:
    found = combination_problems({'compile': True, **other})
    assert len([problem for problem in found if problem.startswith('compile: found True together')]) == 1
    assert not combination_problems({'compile': False, **other})


@pytest.mark.parametrize(('portions', 'images', 'count'), [(2, 2, 0), (2, 4, 0), (4, 2, 1), (1, 1, 0)])
def test_portions_of_a_batch(portions: int, images: int, count: int) -> None:
    values = {'gradient_accumulation': portions, 'data': {'samples_per_gpu': images}}
    assert told(values).count('images to divide') == count
