"""The Python interface on a network with random weights."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmseg.apis import Inferencer, inference_model, init_model, segment, show_result
from mmseg.datasets.classes import CLASSES, PALETTE
from mmseg.errors import CheckpointError, DataError, UsageError
from mmseg.toolbox.reports.legend import with_legend
from tests.integration.tiny import tiny_config, write_config


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


@pytest.mark.parametrize('call', ['inference_model', 'Inferencer'])
def test_both_entries_take_and_refuse_the_same(model: Any, call: str, tmp_path: Path) -> None:
    def segment(image: Any) -> np.ndarray:
        if call == 'inference_model':
            return inference_model(model, image)
        return next(iter(Inferencer(model)([image]))).label_map.astype(np.int64)

    grey = np.random.default_rng(0).integers(0, 256, (32, 64), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'x.png'), grey)
    of_file = segment(tmp_path / 'x.png')
    for same in (str(tmp_path / 'x.png'), grey, grey[..., None].repeat(3, 2), Image.fromarray(grey)):
        assert np.array_equal(segment(same), of_file)
    for wrong in (grey.astype(np.uint16), grey / np.float32(255), grey[:0]):
        with pytest.raises(DataError, match='expected a picture: uint8'):
            segment(wrong)
    for strange in (None, 5, grey.tolist(), b'content', torch.zeros(4, 4, 3)):
        with pytest.raises(DataError, match='Found .* in place of a picture; expected a path'):
            segment(strange)
    for name in ('', tmp_path / 'absent.png'):
        with pytest.raises(DataError, match='no such file|in place of a picture'):
            segment(name)


def test_a_checkpoint_without_colours(tmp_path: Path) -> None:
    config = tiny_config(Path('data'))
    made = init_model(config)
    torch.save({'meta': {'CLASSES': CLASSES}, 'state_dict': made.state_dict()}, tmp_path / 'x.pth')
    found = init_model(config, tmp_path / 'x.pth')
    assert found.PALETTE == PALETTE
    picture = np.zeros((32, 64, 3), np.uint8)
    assert show_result(found, picture, inference_model(found, picture)).shape == picture.shape


def test_colours_and_sizes_that_do_not_fit(model: Any) -> None:
    picture = np.zeros((32, 64, 3), np.uint8)
    with pytest.raises(DataError, match='the picture has'):
        show_result(model, picture, np.zeros((31, 64), np.int64))
    with pytest.raises(UsageError, match='palette has 1 colours, but there are class ids up to 2'):
        show_result(model, picture, np.full((32, 64), 2), palette=[[0, 0, 0]])


def test_a_configuration_that_names_no_classes_is_not_compared(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tiny_config(Path('data'))
    torch.save(
        {'meta': {'CLASSES': CLASSES}, 'state_dict': init_model(config).state_dict()}, tmp_path / 'x.pth'
    )
    config.pop('data')
    config.pop('uda')
    with caplog.at_level('WARNING', 'mmseg'):
        assert list(CLASSES) == init_model(config, tmp_path / 'x.pth').CLASSES
    assert 'was trained on the classes' not in caplog.text


@pytest.mark.parametrize('named', [True, False], ids=['data set with classes', 'data set without'])
@pytest.mark.parametrize(
    'meta',
    [
        {'CLASSES': list(range(19))},
        {'CLASSES': ['road']},
        {'CLASSES': 'road'},
        {'PALETTE': [[1, 2, 3]]},
        {'PALETTE': 'cityscapes'},
        {'PALETTE': np.zeros((19, 3), np.uint8)},
        {'PALETTE': [[0.5, 2, 300]] * 19},
        None,
    ],
    ids=str,
)
def test_names_and_colours_of_a_checkpoint_that_do_not_fit(meta: Any, named: bool, tmp_path: Path) -> None:
    """Results are drawn with the names and colours of the data set, as tools/test.py does, where it has any."""
    config = tiny_config(Path('data'))
    torch.save({'meta': meta, 'state_dict': init_model(config).state_dict()}, tmp_path / 'x.pth')
    if not named:
        config['data']['test'].update(type='CustomDataset')
        config.pop('uda')
        config['data'].pop('train')
        config['data'].pop('val')
    found = init_model(config, tmp_path / 'x.pth')
    assert len(found.CLASSES) == len(found.PALETTE) == 19
    assert all(isinstance(name, str) for name in found.CLASSES)
    if named:
        assert (tuple(found.CLASSES), found.PALETTE) == (CLASSES, PALETTE)
    picture = np.zeros((32, 64, 3), np.uint8)
    ids = np.arange(19).repeat(108)[: 32 * 64].reshape(32, -1)
    assert show_result(found, picture, ids).shape == picture.shape
    with_legend(picture, found.CLASSES, found.PALETTE, range(19))


def test_a_result_is_shown_and_saved(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 80, 3)).astype(np.uint8)
    result = segment(model, Image.fromarray(picture[..., ::-1]))
    assert np.array_equal(result.label_map, inference_model(model, picture))
    drawn = np.asarray(result.picture(opacity=1, legend=False))
    assert np.array_equal(drawn, np.array(PALETTE, np.uint8)[result.label_map])
    assert result.save(tmp_path / 'x.png', legend=False) == tmp_path / 'x.png'
    assert Image.open(tmp_path / 'x.png').size == (80, 40)
    assert result.picture().height > 40, 'the legend'
    seen: list[Image.Image] = []
    monkeypatch.setattr(Image.Image, 'show', lambda picture: seen.append(picture))
    result.show(opacity=1, legend=False)
    assert np.array_equal(np.asarray(seen[0]), drawn)


def test_a_folder_of_a_run_and_a_shipped_name(tmp_path: Path) -> None:
    config = tiny_config(Path('data'))
    made = init_model(config)
    torch.save({'meta': {'CLASSES': CLASSES}, 'state_dict': made.state_dict()}, tmp_path / 'latest.pth')
    write_config(tmp_path, config)
    found = init_model(tmp_path)
    assert all(torch.equal(value, found.state_dict()[key]) for key, value in made.state_dict().items())
    (tmp_path / 'latest.pth').rename(tmp_path / 'other')
    with pytest.raises(CheckpointError, match='holds no checkpoint'):
        init_model(str(tmp_path))
    assert init_model(tmp_path, tmp_path / 'other').CLASSES == CLASSES
    assert init_model('builtin_source_only').CLASSES == CLASSES
