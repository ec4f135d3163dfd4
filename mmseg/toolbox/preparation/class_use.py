"""How often classes occur: in a data set, and in what its pipeline and rare class sampling deliver."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.combined import ConcatDataset
from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.files import spread
from mmseg.datasets.source_statistics import source_statistics
from mmseg.datasets.transforms.geometry import count_ids
from mmseg.errors import DataError

LOOKED_AT = 200
"""Label maps that are counted where there are no statistics."""


@dataclass(frozen=True)
class ClassUse:
    """Counts over label maps.

    Attributes:
        title: where they are from.
        pixels: int64 (256,), by id.
        occurs: int64 (256,), label maps with that id.
        labels: number of label maps.
    """

    title: str
    pixels: NDArray[np.int64]
    occurs: NDArray[np.int64]
    labels: int

    def shares(self, classes: int) -> NDArray[np.float64]:
        """Percent of the pixels of ids 0..classes-1, float64 (classes,)."""
        counted = self.pixels[:classes].astype(np.float64)
        return 100 * counted / max(counted.sum(), 1)

    def presence(self, classes: int) -> NDArray[np.float64]:
        """Percent of the label maps in which ids 0..classes-1 occur, float64 (classes,)."""
        return 100 * self.occurs[:classes] / max(self.labels, 1)


def count_use(title: str, counts: Iterable[NDArray[np.int64]]) -> ClassUse:
    """Add up the pixels by id, int64 (256,), of label maps."""
    pixels, occurs, number = np.zeros(256, np.int64), np.zeros(256, np.int64), 0
    for one in counts:
        pixels += one
        occurs += one > 0
        number += 1
    return ClassUse(title, pixels, occurs, number)


def delivered_use(title: str, dataset: Any, seed: int, first: int, count: int) -> ClassUse:
    """Of the labels of samples ``first``, ``first + 1``, ... of a training run with ``seed``."""
    samples = (dataset.draw(i, seed) for i in range(first, first + count))
    return count_use(title, (count_ids(label_of(sample)) for sample in samples))


def label_of(sample: dict[str, Any]) -> NDArray[np.uint8]:
    """The label map (H, W) of a collected sample, uint8."""
    return np.asarray(sample['gt_semantic_seg'][0].numpy().astype(np.uint8))


def stored_use(source: CustomDataset | ConcatDataset) -> ClassUse:
    """Of a labelled data set as it lies on the disk, behind its table: from its statistics, else counted.

    Without statistics at most :data:`LOOKED_AT` label maps at equal distances are counted.
    """
    try:
        stats, _ = source_statistics(source.parts())
    except DataError:
        return count_use('data set', (count_ids(label) for label in _some_labels(source)))
    return count_use('data set', (_counts_of(entry) for entry in stats))


def _some_labels(source: CustomDataset | ConcatDataset) -> Iterator[NDArray[np.uint8]]:
    for index in spread(len(source), LOOKED_AT):
        yield source.get_gt_seg_map(index)


def _counts_of(entry: dict[str, Any]) -> NDArray[np.int64]:
    counts = np.zeros(256, np.int64)
    for class_id, count in entry.items():
        if class_id != 'file':
            counts[int(class_id)] += int(count)
    return counts
