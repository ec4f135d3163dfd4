"""Data sets as loader and engine see them."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mmseg.evaluation.metrics import Scores


class Classified(Protocol):
    """Something that may have classes."""

    @property
    def CLASSES(self) -> Sequence[str] | None:
        """Their names; None: not told."""


class TrainDataset(Protocol):
    """What is trained on.

    Attributes:
        CLASSES: names of the classes.
        PALETTE: their RGB colours.
    """

    CLASSES: Sequence[str]
    PALETTE: Sequence[Sequence[int]]

    def draw(self, i: int, seed: int) -> dict[str, Any]:
        """Sample number i of a run with ``seed``."""


class ScoredDataset(Protocol):
    """What is tested on; attributes as :class:`TrainDataset`."""

    CLASSES: Sequence[str]
    PALETTE: Sequence[Sequence[int]]

    def __len__(self) -> int:
        """Number of pictures."""

    def __getitem__(self, index: int) -> dict[str, Any]:
        """A picture in its versions, see :func:`mmseg.datasets.loading.build_test_loader`."""

    def check_labels(self) -> None:
        """Raise DataError where label maps are missing."""

    def get_gt_seg_map(self, index: int) -> NDArray[np.uint8]:
        """A label map (H, W)."""

    def evaluate_confusion(self, confusion: NDArray[np.int64], metric: str = 'mIoU') -> Scores:
        """Scores of a confusion matrix (C, C), rows true."""
