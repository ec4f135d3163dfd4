"""One fact in two places: taken from one, or refused; for every registered head and data set."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmseg.config import load_config
from mmseg.config.consistency import contradictions, settle
from mmseg.errors import ConfigError
from mmseg.option_types import parameters
from mmseg.registry import MODELS
from mmseg.uda.instance_bank.files import write_bank

NAMES = ['a', 'b', 'c']
PALETTE = [[0, 0, 0], [9, 9, 9], [200, 0, 0]]
MODELS.get('DACS')
HEADS = sorted(name for name, kind in MODELS.module_dict.items() if 'num_classes' in parameters(kind)[0])


def head(kind: str = 'FCNHead', **options: Any) -> dict[str, Any]:
    return {'type': kind, 'num_classes': 3, **options}


def data(**options: Any) -> dict[str, Any]:
    return {'type': 'CustomDataset', 'img_dir': 'images', 'classes': NAMES, **options}


def config(decode_head: Any = None, **options: Any) -> dict[str, Any]:
    return {
        'model': {'type': 'EncoderDecoder', 'decode_head': decode_head or head()},
        'data': {'train': data(**options), 'val': data()},
    }


def told(values: dict[str, Any]) -> str:
    return ' '.join(contradictions(values))


def test_a_configuration_that_agrees() -> None:
    assert contradictions(config(palette=PALETTE)) == []
    assert contradictions({}) == []
    settle({})


@pytest.mark.parametrize('kind', HEADS)
@pytest.mark.parametrize('slot', ['decode_head', 'auxiliary_head'])
def test_number_of_classes_of_every_head(kind: str, slot: str) -> None:
    values = config()
    values['model'][slot] = head(kind, num_classes=4)
    assert f'model.{slot}.num_classes: found 4, but data.train, data.val: 3 classes' in told(values)
    values['model'][slot] = [head(kind, num_classes=1)]
    assert f'model.{slot}.0.num_classes: found 1; the softmax' in told(values)


def test_class_weights() -> None:
    loss = {'type': 'CrossEntropyLoss', 'class_weight': [1.0, 2.0]}
    assert 'loss_decode.class_weight: found 2 weights for 3' in told(config(head(loss_decode=loss)))


@pytest.mark.parametrize('kind', HEADS)
def test_ignored_id_comes_from_the_data(kind: str) -> None:
    values = config(head(kind, ignore_index=0), ignore_index=0)
    settle(values)
    assert values['model']['decode_head']['ignore_index'] == 255
    assert told(values) == ''
    values = config(head(kind, ignore_index=1), ignore_index=0)
    settle(values)
    assert 'model.decode_head.ignore_index: found 1 as label without loss' in told(values)


@pytest.mark.parametrize('slot', ['decode_head', 'auxiliary_head'])
def test_ignored_id_of_the_data_alone_is_refused(slot: str) -> None:
    values = config(head(ignore_index=0), ignore_index=0)
    values['model'][slot] = [head()]
    settle(values)
    assert f'data.train.ignore_index is 0, but model.{slot}.0.ignore_index is not given' in told(values)


@pytest.mark.parametrize('own', [255, 0])
def test_padding_of_labels(own: int) -> None:
    steps = [{'type': 'Pad', 'size': (4, 4), 'seg_pad_val': 0}, {'type': 'RandomCrop', 'crop_size': (4, 4)}]
    values = config(head(ignore_index=own), pipeline=steps, ignore_index=own)
    settle(values)
    expected = 'data.train.pipeline.0.seg_pad_val: found 0 as label of padded pixels'
    assert (expected in told(values)) == (own == 255), 'with ignore_index=0 it is the ignored id'


def test_reduction_in_step_and_data_set() -> None:
    steps = [{'type': 'LoadAnnotations', 'reduce_zero_label': True}]
    assert 'data.train: reduce_zero_label is False for the data set' in told(config(pipeline=steps))
    assert told(config(pipeline=steps, reduce_zero_label=True)) == ''


@pytest.mark.parametrize(
    'uda',
    [
        {'imnet_feature_dist_classes': [1, 6]},
        {'imnet_feature_dist_classes': []},
        {'instance_bank': {'classes': [3]}},
    ],
    ids=str,
)
def test_lists_of_class_ids(uda: dict[str, Any]) -> None:
    assert 'expected ids of the 3 classes, 0 to 2' in told({**config(), 'uda': uda})


@pytest.mark.parametrize(
    ('evaluation', 'text'),
    [
        ({'save_best': 'mIoU'}, ''),
        ({'save_best': 'auto'}, ''),
        ({'save_best': 'b'}, ''),
        ({'save_best': 'IoU.b'}, ''),
        ({'save_best': 'mDice'}, "evaluation.save_best: found 'mDice'"),
        ({'save_best': 'mDice', 'metric': ['mIoU', 'mDice']}, ''),
    ],
)
def test_scores(evaluation: dict[str, Any], text: str) -> None:
    found = told({**config(), 'evaluation': evaluation})
    assert (text in found) if text else not found


def test_ids_of_a_bank_file(tmp_path: Path) -> None:
    bank = {'instance_bank': {'bank_file': str(tmp_path)}}
    assert told({**config(), 'uda': bank}) == '', 'the file may be made later'
    write_bank(tmp_path, np.ones((4, 2), np.float32), np.array([0, 1, 2, 3]))
    assert 'labels go from 0 to 3; expected class ids from 0 to 2' in told({**config(), 'uda': bank})


TRAIN = {'type': 'TrainPipeline', 'img_scale': (64, 32), 'crop_size': (32, 32)}
TEST = {'type': 'TestPipeline', 'img_scale': (64, 32)}


def test_everything_is_refused_when_the_configuration_is_read() -> None:
    values = config(head(num_classes=4, channels=8, in_channels=8), palette=PALETTE[:1], pipeline=TRAIN)
    values['data']['val']['pipeline'] = TEST
    with pytest.raises(ConfigError, match='3 problems') as error:
        load_config(values)
    assert 'data.train.palette' in str(error.value)
    assert 'data.train, data.val: 3 classes' in str(error.value)
