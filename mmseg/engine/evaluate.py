"""Predicting a data set picture by picture, and scoring it with memory that does not grow with its size."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from mmseg.batch import Meta
from mmseg.datasets.loading import build_test_loader
from mmseg.datasets.protocols import ScoredDataset
from mmseg.errors import DataError, UserError
from mmseg.evaluation import confusion
from mmseg.models.global_batch import total
from mmseg.models.student import Segmentor
from mmseg.ranks import is_main, rank, world_size


class Abandoned(Exception):
    """An evaluation was given up because the user stops the run."""


@dataclass(frozen=True)
class PredictedPicture:
    """What a network says about one picture.

    Attributes:
        index: number of the picture in the data set.
        label_map: int64 (H, W), class ids at the size of the original picture.
        meta: facts about the picture (first version of test-time augmentation).
        image: normalised picture as the network saw it, float32 (3, h, w) on the CPU.
        truth: uint8 (H, W) label map, or None.
    """

    index: int
    label_map: NDArray[np.int64]
    meta: Meta
    image: Tensor
    truth: NDArray[np.uint8] | None = None


def predict(
    network: Segmentor, dataset: ScoredDataset, workers: int = 0, with_labels: bool = False
) -> Iterator[PredictedPicture]:
    """Predict the pictures of a data set that fall to this process, in order.

    Args:
        network: segmentor in evaluation mode.
        dataset: in test mode.
        workers: loader processes.
        with_labels: also read the label maps.
    """
    loader = build_test_loader(dataset, workers, rank(), world_size(), with_labels)
    device = next(network.parameters()).device
    with closing(iter(loader)) as batches:
        for batch in _with_progress(batches, len(loader)):
            images = [image.to(device, non_blocking=True) for image in batch['img']]
            meta, picture = batch['img_metas'][0][0], batch['img'][0][0]
            label_map = _label_map(network, images, batch['img_metas'])
            truth = batch['label'].numpy() if with_labels else None
            yield PredictedPicture(int(batch['index']), label_map, meta, picture, truth)


def _label_map(
    network: Segmentor, images: Sequence[Tensor], metas: Sequence[Sequence[Meta]]
) -> NDArray[np.int64]:
    """Class ids of one picture; errors of the network, which does not know the file, name it."""
    try:
        if len(images) == 1:
            return network.simple_test(images[0], metas[0])[0]
        return network.aug_test(images, metas)[0]
    except UserError as error:
        raise type(error)(f'{metas[0][0]["filename"]}: {error}') from error


def _with_progress(batches: Iterable[Any], total: int) -> Iterable[Any]:
    """A progress bar with pictures per second, on a terminal and in the first process only."""
    return tqdm(
        batches, total=total, unit='img', desc='predict', disable=not (is_main() and sys.stderr.isatty())
    )


def add_to_confusion(matrix: NDArray[np.int64], prediction: PredictedPicture) -> None:
    """Count one picture in a confusion matrix (C, C), in place.

    Raises:
        DataError: picture and label map differ in size.
    """
    truth = prediction.truth
    assert truth is not None
    if truth.shape != prediction.label_map.shape:
        raise DataError(
            f'{prediction.meta["filename"]}: the picture has {prediction.label_map.shape} pixels (rows, columns), its '
            f'label map {truth.shape}. Both must have the same size; check that they belong together.'
        )
    matrix += confusion(prediction.label_map, truth, len(matrix))


def total_confusion(matrix: NDArray[np.int64], device: torch.device) -> NDArray[np.int64]:
    """The sum of the matrices of all processes."""
    if world_size() == 1:
        return matrix
    return total(torch.from_numpy(matrix).to(device)).cpu().numpy()


def evaluate_dataset(
    network: Segmentor,
    dataset: ScoredDataset,
    workers: int,
    metrics: Sequence[str] = ('mIoU',),
    give_up: Callable[[], bool] = lambda: False,
) -> tuple[dict[str, float], str]:
    """Score a network on a data set; leaves it in evaluation mode.

    Args:
        network: segmentor.
        dataset: in test mode.
        workers: loader processes.
        metrics: names of :data:`mmseg.evaluation.METRICS`.
        give_up: asked after each picture (in a single process, since several must not part ways).

    Returns:
        Scores as fractions by published name, and the published tables (docs/methods/datasets.md#scores).

    Raises:
        Abandoned: ``give_up`` said so.
    """
    network.eval()
    matrix = np.zeros((len(dataset.CLASSES),) * 2, np.int64)
    for prediction in predict(network, dataset, workers, with_labels=True):
        add_to_confusion(matrix, prediction)
        if world_size() == 1 and give_up():
            raise Abandoned
    matrix = total_confusion(matrix, next(network.parameters()).device)
    values: dict[str, float] = {}
    texts = []
    for metric in metrics:
        scores = dataset.evaluate_confusion(matrix, metric)
        values.update(scores.values)
        texts.append(scores.text)
    return values, '\n'.join(texts)
