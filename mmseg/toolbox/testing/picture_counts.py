"""How well each picture of a test was predicted, and which ones were the worst for a class."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from mmseg.engine.evaluate import PredictedPicture, add_to_confusion, total_confusion
from mmseg.evaluation.metrics import merge_predictions
from mmseg.toolbox.reports.results import WorstPicture
from mmseg.toolbox.testing.outputs import Output

KEPT = 3
"""Pictures of each class that are kept."""

Worst = dict[str, tuple[WorstPicture, ...]]

RIGHT, TRUE, PREDICTED = range(3)


class PictureCounts(Output):
    """Counts the pixels of each class, in all pictures and in each; a label map of another size is a DataError.

    Args:
        pictures: number of pictures of the data set.
        classes: number of classes of the label maps.
        scored: turns a confusion matrix over those into one over the C classes that are scored.

    Attributes:
        matrix: int64 (classes, classes), the confusion matrix of all pictures.
        counts: int64 (pictures, 3, C): pixels that are right, of that class, predicted as that class.
    """

    threaded: ClassVar[bool] = False  # all change one matrix

    def __init__(
        self, pictures: int, classes: int, scored: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    ) -> None:
        self.scored = scored
        self.matrix = np.zeros((classes, classes), np.int64)
        count = len(scored(self.matrix))
        self.counts = np.zeros((pictures, 3, count), np.int64)

    def add(self, prediction: PredictedPicture) -> None:
        """Count one picture, which must have a label map."""
        matrix = self.scored(add_to_confusion(self.matrix, prediction))
        self.counts[prediction.index] = np.diag(matrix), matrix.sum(1), matrix.sum(0)

    def total(self, device: torch.device) -> NDArray[np.int64]:
        """``counts`` of all processes; ``device`` is what they exchange them on."""
        return total_confusion(self.counts, device)


def worst_pictures(counts: NDArray[np.int64], names: Sequence[str], dataset: Any, kept: int = KEPT) -> Worst:
    """By class name, the pictures with the lowest IoU of that class, among those that show it, the worst first.

    Of pictures with one IoU (0, mostly) the one with more wrong pixels is the worse.

    Args:
        counts: int64 (pictures, 3, C), see :class:`PictureCounts`.
        names: C class names.
        dataset: knows the files of the pictures.
        kept: pictures of each class.
    """
    worst = {}
    for i, name in enumerate(names):
        right, true, predicted = counts[:, RIGHT, i], counts[:, TRUE, i], counts[:, PREDICTED, i]
        shown = np.flatnonzero(true)
        union = true + predicted - right
        iou = right[shown] / union[shown]
        order = np.lexsort((right[shown] - union[shown], iou))[:kept]
        worst[name] = tuple(
            WorstPicture(int(shown[j]), dataset.picture_file(int(shown[j])).name, float(100 * iou[j]))
            for j in order
        )
    return {name: pictures for name, pictures in worst.items() if pictures}


def scored_confusion(matrix: NDArray[np.int64], dataset: Any) -> NDArray[np.int64]:
    """A confusion matrix (C, C) over all classes of a data set, over those that are scored, after merging."""
    if dataset.class_merge is None:
        return matrix
    chosen = list(dataset.class_merge.classes)
    return merge_predictions(matrix, dataset.class_merge.table())[np.ix_(chosen, chosen)]
