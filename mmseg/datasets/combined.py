"""Several data sets as one, and one several times."""

import operator
import os
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.building import build_dataset
from mmseg.datasets.classes import equal_colours
from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.random import Rng, Shares, picked_index, rng_for
from mmseg.datasets.transforms import Results
from mmseg.errors import ConfigError
from mmseg.evaluation.metrics import Scores
from mmseg.names import Chained
from mmseg.registry import DATASETS

SHARED = ('CLASSES', 'PALETTE', 'class_merge')
"""What data sets that stand for one must agree about."""


@DATASETS.register_module()
class ConcatDataset:
    """Data sets one behind the other, for training (as source or target, too) and for testing.

    Args:
        datasets: configurations, or data sets.
        weights: how often training draws from each of them, however many pictures it has: [2, 1] takes two of three
            samples from the first. With rare class sampling this holds among the pictures that have enough of the
            drawn class, in proportion to how many of a data set's pictures do. None: every picture equally often.

    Attributes:
        shares: probability of each picture; None without weights.

    Raises:
        ConfigError: they differ in classes, colours or merged classes; weights do not fit.
    """

    def __init__(self, datasets: Sequence[Any], weights: Sequence[float] | None = None) -> None:
        if found := ConcatDataset.problems({'datasets': datasets, 'weights': weights}):
            raise ConfigError(f'ConcatDataset: {found[0]}')
        built = [build_dataset(one) if isinstance(one, dict | list) else one for one in datasets]
        self._set_parts([part for one in built for part in one.parts()])
        self.shares: Shares | None = None
        if weights is not None:
            inner = [np.full(len(one), 1 / len(one)) if one.shares is None else one.shares for one in built]
            total = np.array(weights, float) / sum(weights)
            self.shares = np.concatenate([w * shares for w, shares in zip(total, inner, strict=True)])

    @staticmethod
    def problems(options: Mapping[str, Any]) -> list[str]:
        """What is wrong with options of the right types."""
        weights, count = options.get('weights'), len(options.get('datasets') or ())
        if weights is None or (len(weights) == count and min(weights, default=0) > 0):
            return []
        return [
            f'weights: found {list(weights)}; expected {count} numbers above 0, one for each of datasets.'
        ]

    def _set_parts(self, parts: Sequence[CustomDataset]) -> None:
        if not parts:
            raise ConfigError('ConcatDataset: the list of data sets is empty; name at least one.')
        self._parts = list(parts)
        self._ends = list(accumulate(len(part) for part in parts))
        first = parts[0]
        for name in SHARED:
            values = [getattr(part, name) for part in parts]
            equal = equal_colours if name == 'PALETTE' else operator.eq
            if other := next((value for value in values if not equal(value, values[0])), None):
                raise ConfigError(
                    f'ConcatDataset: {name} of its data sets differ ({values[0]} and {other}); give all the same.'
                )
        self.CLASSES, self.PALETTE, self.class_merge = first.CLASSES, first.PALETTE, first.class_merge
        self.img_infos = self._named_infos()

    def parts(self) -> list[CustomDataset]:
        """The single data sets in order; one that is repeated comes several times."""
        return self._parts

    def _named_infos(self) -> Chained:
        """What is known of each picture, with names below the folder that all parts share."""
        top = os.path.commonpath([os.path.abspath(part.img_dir) for part in self._parts])
        folders = (
            Path(os.path.relpath(os.path.abspath(part.img_dir), top)).as_posix() for part in self._parts
        )
        return Chained([(folder, part.img_infos) for folder, part in zip(folders, self._parts, strict=True)])

    def __len__(self) -> int:
        return self._ends[-1]

    def part_of(self, index: int) -> tuple[CustomDataset, int]:
        """The single data set of picture ``index``, and the picture's number there."""
        part = int(np.searchsorted(self._ends, index, side='right'))
        return self._parts[part], index - (self._ends[part - 1] if part else 0)

    def __getitem__(self, index: int) -> Results:
        """Picture ``index`` without randomness that matters: test-time access."""
        part, number = self.part_of(index)
        results = part[number]
        metas = results['img_metas']
        for meta in metas if isinstance(metas, list) else [metas]:
            meta['ori_filename'] = self.img_infos[index]['filename']
        return results

    def draw(self, i: int, seed: int) -> Results:
        """Sample number i of a run with ``seed``: every picture once per len(self) samples, shuffled, or by shares."""
        return self.sample(picked_index(i, len(self), seed, self.shares), rng_for(seed, i))

    def sample(self, index: int, rng: Rng) -> Results:
        """Picture ``index`` through the training pipeline of its data set."""
        part, number = self.part_of(index)
        return part.sample(number, rng)

    def get_gt_seg_map(self, index: int) -> NDArray[np.uint8]:
        """Label map (H, W) of picture ``index``, uint8, see :meth:`CustomDataset.get_gt_seg_map`."""
        part, number = self.part_of(index)
        return part.get_gt_seg_map(number)

    def picture_file(self, index: int) -> Path:
        """The file of picture ``index``."""
        part, number = self.part_of(index)
        return part.picture_file(number)

    def check_labels(self) -> None:
        """Raise DataError if one of the data sets has no label map for its first picture."""
        for part in self._parts:
            part.check_labels()

    def evaluate_confusion(self, confusion: NDArray[np.int64], metric: str = 'mIoU') -> Scores:
        """Scores of a confusion matrix (C, C) over all data sets, see :meth:`CustomDataset.evaluate_confusion`."""
        return self._parts[0].evaluate_confusion(confusion, metric)


@DATASETS.register_module()
class RepeatDataset(ConcatDataset):
    """A data set several times: in a ConcatDataset its pictures come so much more often.

    Args:
        dataset: its configuration, or the data set.
        times: how often, at least 1.
    """

    @staticmethod
    def problems(options: Mapping[str, Any]) -> list[str]:
        """What is wrong with options of the right types."""
        times = options['times']
        return [] if times >= 1 else [f'times is {times}; expected a whole number of at least 1.']

    def __init__(self, dataset: Any, times: int) -> None:
        if problems := self.problems({'times': times}):
            raise ConfigError(f'RepeatDataset: {problems[0]}')
        super().__init__([build_dataset(dataset) if isinstance(dataset, dict | list) else dataset] * times)
