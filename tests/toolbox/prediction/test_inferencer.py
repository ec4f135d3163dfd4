"""Many pictures through one network: batches, order, bounded reading, errors that name files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmseg.apis import Inferencer, inference_model, init_model
from mmseg.errors import DataError
from mmseg.toolbox.prediction.inferencer import LOOK_AHEAD, batches
from mmseg.toolbox.prediction.sources import Frame, Source
from tests.integration.hrda import tiny_hrda
from tests.integration.tiny import tiny_config


def pictures(*shapes: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*shape, 3)).astype(np.uint8) for shape in shapes]


@pytest.fixture(scope='module')
def model() -> Any:
    torch.manual_seed(0)
    return init_model(tiny_config(Path('data')))


def test_equal_sizes_share_a_batch() -> None:
    assert batches(['a', 'b', 'a', 'a', 'b'], 2) == [[0, 2], [3], [1, 4]]


def test_same_as_one_by_one_in_order(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given = pictures((32, 64), (40, 40), (64, 128), (40, 41), (16, 32))
    wanted = [inference_model(model, picture) for picture in given]
    passes: list[int] = []
    predict = model.predict_logits
    monkeypatch.setattr(model, 'predict_logits', lambda images: passes.append(len(images)) or predict(images))
    found = list(Inferencer(model, batch_size=4, probabilities=False)(given))
    assert passes == [3, 1, 1]
    for result, label_map, picture in zip(found, wanted, given, strict=True):
        assert result.frame.picture is picture
        assert result.label_map.dtype == np.uint8
        assert (result.label_map == label_map).mean() > 0.999
        assert result.probabilities is None


def test_probabilities(model: Any) -> None:
    (result,) = Inferencer(model, probabilities=True)(pictures((20, 30)))
    assert result.probabilities is not None
    assert result.probabilities.shape == (19, 20, 30)
    assert np.allclose(result.probabilities.sum(0), 1, atol=1e-5)
    assert np.array_equal(result.probabilities.argmax(0), result.label_map)


def test_augmented(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(model.cfg.data.test.pipeline[1], 'flip', True)
    (result,) = Inferencer(model, probabilities=True)(pictures((32, 64)))
    assert result.probabilities is not None
    assert np.allclose(result.probabilities.sum(0), 1, atol=1e-5)
    mirrored = np.ascontiguousarray(result.frame.picture[:, ::-1])
    (other,) = Inferencer(model, probabilities=True)(mirrored)
    assert np.allclose(other.probabilities[..., ::-1], result.probabilities, atol=1e-4)


def test_streams_are_read_as_they_are_used(model: Any) -> None:
    read: list[int] = []

    def endless() -> Iterator[Frame]:
        while True:
            read.append(1)
            yield Frame(Source('endless'), pictures((32, 64))[0])

    results = Inferencer(model, batch_size=2).stream(endless())
    for _ in range(3):
        next(results)
    assert len(read) == 2 * LOOK_AHEAD


def test_what_cannot_be_predicted_is_named(model: Any) -> None:
    flat = Frame(Source('flat', Path('flat.png')), pictures((4, 400))[0])
    with pytest.raises(DataError, match=r'flat\.png: .* at least'):
        list(Inferencer(model).stream(iter([flat])))


@pytest.mark.parametrize('shape', [(33, 100), (61, 70), (100, 80)])
def test_hrda_takes_any_size(shape: tuple[int, int]) -> None:
    config = tiny_hrda(Path('data'), hr_crop_size=[64, 64], hr_slide_overlapping=False)
    config['data']['test']['pipeline'][1]['img_scale'] = (210, 90)
    (result,) = Inferencer(init_model(config))(pictures(shape))
    assert result.label_map.shape == shape
