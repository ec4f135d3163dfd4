"""Predicting and scoring a data set, with a network that knows the answers."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mmseg.engine import evaluate as module
from mmseg.engine.evaluate import PredictedPicture, add_to_confusion, evaluate_dataset, grouped, predict
from mmseg.errors import ConfigError, DataError
from mmseg.evaluation import evaluate

TRUTH = [np.array([[0, 1], [1, 255]], np.uint8), np.array([[0, 0], [1, 1]], np.uint8)]


class Pictures:
    """Two pictures whose red channel is the class to predict."""

    CLASSES = ('a', 'b')
    ignore_index = 255

    def __init__(self, versions: int = 1) -> None:
        self.versions = versions

    def __len__(self) -> int:
        return len(TRUTH)

    def __getitem__(self, index: int) -> dict[str, Any]:
        image = torch.from_numpy(np.where(TRUTH[index] == 1, 1.0, 0.0)).float().expand(3, 2, 2)
        meta = {'filename': f'{index}.png'}
        return {'img': [image] * self.versions, 'img_metas': [meta] * self.versions}

    def get_gt_seg_map(self, index: int) -> np.ndarray:
        return TRUTH[index]

    def evaluate_confusion(self, matrix: np.ndarray, metric: str) -> Any:
        return evaluate(matrix, metric, self.CLASSES)


class Oracle(nn.Module):
    """Reads the answer from the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def simple_test(self, img: torch.Tensor, metas: list[Any]) -> list[np.ndarray]:
        assert not self.training
        return [img[0, 0].long().numpy()]

    def aug_test(self, imgs: list[torch.Tensor], metas: list[list[Any]]) -> list[np.ndarray]:
        assert len(imgs) == len(metas) == 2
        return self.simple_test(imgs[0], metas[0])


@pytest.mark.parametrize('versions', [1, 2])
def test_perfect_scores(versions: int) -> None:
    values, text = evaluate_dataset(Oracle(), Pictures(versions), 0, ('mIoU', 'mDice'))
    assert values['mIoU'] == values['mDice'] == values['aAcc'] == 1.0
    assert text.count('per class results:') == 2


def test_ranks_share_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'world_size', lambda: 2)
    for number in range(2):
        monkeypatch.setattr(module, 'rank', lambda number=number: number)
        assert [p.index for p in predict(Oracle().eval(), Pictures())] == [number]


def test_sizes_must_agree() -> None:
    prediction = PredictedPicture(
        0, np.zeros((2, 3), np.int64), {'filename': 'x.png'}, torch.zeros(3, 2, 3), TRUTH[0]
    )
    with pytest.raises(DataError, match=r'x\.png'):
        add_to_confusion(np.zeros((2, 2), np.int64), prediction)


def test_errors_of_the_network_name_the_picture() -> None:
    class Narrow(Oracle):
        def simple_test(self, img: torch.Tensor, metas: list[Any]) -> list[np.ndarray]:
            raise ConfigError('The encoder got images of 1 x 128 pixels.')

    with pytest.raises(ConfigError, match=r'^0\.png: The encoder got'):
        list(predict(Narrow(), Pictures()))


def test_pictures_of_one_kind_share_a_forward_pass() -> None:
    shapes = [(2, 2), (2, 2), (2, 2), (2, 3), (2, 2)]
    pictures = [
        {'img': [torch.full((1, 3, *shape), n)], 'img_metas': [[{'ori_shape': shape}]], 'index': n}
        for n, shape in enumerate(shapes)
    ]
    for size, groups in {
        1: [[0], [1], [2], [3], [4]],
        2: [[0, 1], [2], [3], [4]],
        9: [[0, 1, 2], [3], [4]],
    }.items():
        assert [[one['index'] for one in group] for group in grouped(pictures, size)] == groups
    assert next(iter(grouped(iter(pictures[:1]), 1))) == pictures[:1], 'nothing is waited for'


@pytest.mark.parametrize('versions', [1, 2])
def test_results_do_not_depend_on_what_is_predicted_together(versions: int) -> None:
    class Batched(Oracle):
        def simple_test(self, img: torch.Tensor, metas: list[Any]) -> list[np.ndarray]:
            assert len(img) == len(metas)
            return list(img[:, 0].long().numpy())

    alone, together = (
        list(predict(Batched().eval(), Pictures(versions), with_labels=True, together=n)) for n in (1, 2)
    )
    for one, other in zip(alone, together, strict=True):
        assert (one.index, one.meta) == (other.index, other.meta)
        assert np.array_equal(one.label_map, other.label_map)
        assert np.array_equal(one.label_map[one.truth != 255], one.truth[one.truth != 255])
        assert torch.equal(one.image, other.image)
