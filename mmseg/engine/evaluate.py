"""Predicting a data set picture by picture, and scoring it with memory that does not grow with its size."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from mmseg.batch import Meta
from mmseg.datasets.loading import build_test_loader
from mmseg.datasets.protocols import ScoredDataset
from mmseg.errors import ConfigError, DataError, UserError
from mmseg.evaluation import confusion
from mmseg.evaluation.metrics import TEACHER
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
    network: Segmentor,
    dataset: ScoredDataset,
    workers: int = 0,
    with_labels: bool = False,
    together: int = 1,
) -> Iterator[PredictedPicture]:
    """Predict the pictures of a data set that fall to this process, in order.

    Args:
        network: segmentor in evaluation mode.
        dataset: in test mode.
        workers: loader processes.
        with_labels: also read the label maps.
        together: neighbouring pictures of one size that share a forward pass (and its windows). More than one may
            change the last bits of probabilities, since kernels depend on the size of a batch.
    """
    loader = build_test_loader(dataset, workers, rank(), world_size(), with_labels)
    device = next(network.parameters()).device
    with closing(iter(loader)) as batches:
        for group in grouped(_with_progress(batches, len(loader)), together):
            moved = ([image.to(device, non_blocking=True) for image in one['img']] for one in group)
            images = [same[0] if len(same) == 1 else torch.cat(same) for same in zip(*moved, strict=True)]
            metas = [list(chain(*same)) for same in zip(*(one['img_metas'] for one in group), strict=True)]
            label_maps = _label_maps(network, images, metas)
            for one, label_map in zip(group, label_maps, strict=True):
                truth = one['label'].numpy() if with_labels else None
                yield PredictedPicture(
                    int(one['index']), label_map, one['img_metas'][0][0], one['img'][0][0], truth
                )


def grouped(pictures: Iterable[Mapping[str, Any]], size: int) -> Iterator[list[Mapping[str, Any]]]:
    """Neighbouring test pictures that may share a forward pass, at most ``size`` of them at a time.

    Args:
        pictures: as :func:`mmseg.datasets.loading.build_test_loader` gives them.
        size: at least 1.
    """
    group: list[Mapping[str, Any]] = []
    for picture in pictures:
        if group and (len(group) == size or _kind(picture) != _kind(group[0])):
            yield group
            group = []
        group.append(picture)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _kind(picture: Mapping[str, Any]) -> list[Any]:
    """What pictures of one forward pass have in common."""
    facts = ('ori_shape', 'flip', 'flip_direction')
    return [
        (image.shape, *(metas[0].get(fact) for fact in facts))
        for image, metas in zip(picture['img'], picture['img_metas'], strict=True)
    ]


def _label_maps(
    network: Segmentor, images: Sequence[Tensor], metas: Sequence[Sequence[Meta]]
) -> Sequence[NDArray[np.int64]]:
    """Class ids of the pictures of a batch; errors of the network, which does not know the file, name the first."""
    try:
        if len(images) == 1:
            return network.simple_test(images[0], metas[0])
        return network.aug_test(images, metas)
    except UserError as error:
        raise type(error)(f'{metas[0][0]["filename"]}: {error}') from error


def _with_progress(batches: Iterable[Any], total: int) -> Iterable[Any]:
    """A progress bar with pictures per second, on a terminal and in the first process only."""
    return tqdm(
        batches, total=total, unit='img', desc='predict', disable=not (is_main() and sys.stderr.isatty())
    )


def add_to_confusion(matrix: NDArray[np.int64], prediction: PredictedPicture) -> NDArray[np.int64]:
    """Count one picture in a confusion matrix (C, C), in place; returns that of the picture alone.

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
    found = confusion(prediction.label_map, truth, len(matrix))
    matrix += found
    return found


def total_confusion(matrix: NDArray[np.int64], device: torch.device) -> NDArray[np.int64]:
    """The sum of the matrices of all processes."""
    if world_size() == 1:
        return matrix
    return total(torch.from_numpy(matrix).to(device)).cpu().numpy()


def teacher_to_score(teacher: Segmentor | None, best: str | None, logger: logging.Logger) -> Segmentor | None:
    """The teacher itself; where a method has none, this is told.

    Args:
        teacher: of the method.
        best: name of the score whose best checkpoint is kept, or None.
        logger: gets a warning.

    Raises:
        ConfigError: there is no teacher, but its score is to choose the best checkpoint.
    """
    missing = 'this method has no mean teacher'
    if teacher is None and best is not None and best.startswith(TEACHER):
        raise ConfigError(
            f'evaluation.save_best={best!r}: {missing}. Expected a score of the student, such as mIoU.'
        )
    if teacher is None:
        logger.warning('evaluation.teacher: %s; the student alone is scored.', missing)
    return teacher


def evaluate_networks(
    student: Segmentor, teacher: Segmentor | None, dataset: ScoredDataset, workers: int, **options: Any
) -> tuple[dict[str, float], str]:
    """As :func:`evaluate_dataset` for a student and, unless it is None, its teacher.

    Returns:
        Scores of both, those of the teacher as 'teacher.mIoU', 'teacher.IoU.road', ..., and the tables of both.
    """
    scores, text = evaluate_dataset(student, dataset, workers, **options)
    if teacher is None:
        return scores, text
    others, tables = evaluate_dataset(teacher, dataset, workers, **options)
    return {
        **scores,
        **{TEACHER + name: value for name, value in others.items()},
    }, f'{text}\nteacher:\n{tables}'


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
