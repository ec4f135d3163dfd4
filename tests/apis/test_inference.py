"""The Python interface on a network with random weights."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mmseg.apis import inference_model, init_model, show_result
from mmseg.datasets.classes import CLASSES, PALETTE
from mmseg.errors import DataError
from tests.integration.tiny import tiny_config


@pytest.fixture(scope='module')
def model() -> Any:
    return init_model(tiny_config(Path('data')))


def test_segment_a_picture(model: Any, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (50, 100, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'x.png'), picture)
    result = inference_model(model, picture)
    assert result.shape == (50, 100)
    assert result.dtype == np.int64
    assert np.array_equal(result, inference_model(model, tmp_path / 'x.png'))
    assert model.CLASSES == CLASSES
    pure = show_result(model, picture, result, opacity=1, out_file=tmp_path / 'show.png')
    assert np.array_equal(pure[..., ::-1], np.array(PALETTE, np.uint8)[result])
    assert np.array_equal(show_result(model, tmp_path / 'x.png', result, opacity=0), picture)
    assert (tmp_path / 'show.png').is_file()


def test_augmented(model: Any) -> None:
    pipeline = model.cfg.data.test.pipeline
    pipeline[1]['flip'] = True
    assert inference_model(model, np.zeros((32, 64, 3), np.uint8)).shape == (32, 64)
    pipeline[1]['flip'] = False


def test_missing_picture(model: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'absent\.png'):
        inference_model(model, tmp_path / 'absent.png')


@pytest.mark.parametrize(
    ('test', 'names'),
    [
        ({'type': 'CamVidDataset'}, CLASSES),
        ({'type': 'CustomDataset', 'classes': ['a', 'b'], 'palette': [[1, 2, 3], [4, 5, 6]]}, ['a', 'b']),
        ({'type': 'CustomDataset'}, ['0', '1', '2']),
    ],
)
def test_classes_of_a_network_without_a_checkpoint(test: dict[str, Any], names: Any) -> None:
    config = tiny_config(Path('data'))
    config['model']['decode_head']['num_classes'] = len(names)
    config.pop('uda')
    pipeline = config['data']['test']['pipeline']
    config['data'] = {'test': {'img_dir': 'images', 'pipeline': pipeline, **test}}
    found = init_model(config)
    assert list(found.CLASSES) == list(names)
    assert len({tuple(colour) for colour in found.PALETTE}) == len(names)
    if 'palette' in test:
        assert test['palette'] == found.PALETTE
