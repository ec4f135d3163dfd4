"""Source and target side by side (docs/methods/pairs.md#pairs)."""

import logging
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from mmseg.datasets.building import build_dataset, changed_datasets
from mmseg.datasets.classes import equal_colours
from mmseg.datasets.combined import ConcatDataset
from mmseg.datasets.custom import VALID_MASK, CustomDataset
from mmseg.datasets.option_values import pair_problems
from mmseg.datasets.random import Rng, Shares, picked_index, rng_for
from mmseg.datasets.rare_classes import candidates, min_count, sampling_probabilities
from mmseg.datasets.source_statistics import source_statistics
from mmseg.datasets.steps import without_labels
from mmseg.datasets.transforms import Results
from mmseg.datasets.transforms.geometry import Box, draw_offset
from mmseg.errors import ConfigError
from mmseg.registry import DATASETS

logger = logging.getLogger(__name__)
MAX_REDRAWS = 10
SYNC_KEYS = ('img', 'gt_semantic_seg', VALID_MASK)


class RareClassSampler:
    """Draws source pictures by class, rare classes more often.

    Args:
        source: the source data set; the statistics are read from its ``data_root`` and seen through its table.
        min_pixels: a candidate has more pixels of the class than this.
        class_temp: temperature of the class probabilities.
        min_crop_ratio: a crop is redrawn, up to ten times, until it has more than min_pixels * min_crop_ratio
            pixels.

    Raises:
        DataError: statistics are missing, damaged or name unknown files.
    """

    def __init__(
        self, source: CustomDataset | ConcatDataset, min_pixels: int, class_temp: float, min_crop_ratio: float
    ) -> None:
        self.source = source
        stats, samples = source_statistics(source.parts())
        self.classes, probabilities = sampling_probabilities(stats, class_temp)
        self.probabilities = probabilities.astype(np.float64) / probabilities.sum(dtype=np.float64)
        self.files = {
            c: np.array(files, np.int64) for c, files in candidates(samples, self.classes, min_pixels).items()
        }
        shares = _with_repetitions(source)
        self.shares = {
            c: None if shares is None else shares[files] / shares[files].sum()
            for c, files in self.files.items()
        }
        self.min_count = min_count(min_pixels, min_crop_ratio)
        logger.info('RCS Classes: %s', self.classes)
        logger.info('RCS ClassProb: %s', [round(float(p), 6) for p in probabilities])

    @property
    def names(self) -> dict[int, list[str]]:
        """Label maps, relative to their ``ann_dir``, that can be drawn for each class."""
        infos = self.source.img_infos
        return {c: [infos[int(i)]['ann']['seg_map'] for i in files] for c, files in self.files.items()}

    def sample(self, rng: Rng) -> Results:
        """Draw class and file, decode once, crop until enough of the class is seen (at most 11 crops)."""
        class_id = self.classes[int(rng.choice(len(self.classes), p=self.probabilities))]
        files = self.files[class_id]
        part, number = self.source.part_of(int(files[int(rng.choice(len(files), p=self.shares[class_id]))]))
        loaded, pipeline = part.load(number), part.pipeline
        placed = pipeline.place(loaded, rng)
        for _ in range(MAX_REDRAWS):
            if np.count_nonzero(placed['gt_semantic_seg'] == class_id) > self.min_count:
                break
            placed = pipeline.place(loaded, rng)
        return pipeline.finish(placed, rng)


def _with_repetitions(source: CustomDataset | ConcatDataset) -> Shares | None:
    """Shares by picture; each has those of its repetitions, too, which the statistics do not name."""
    if source.shares is None:
        return None
    files = [str(source.picture_file(number)) for number in range(len(source))]
    total: dict[str, float] = {}
    for file, share in zip(files, source.shares, strict=True):
        total[file] = total.get(file, 0.0) + float(share)
    return np.array([total[file] for file in files])


def cut_sample(sample: Results, box: Box) -> Results:
    """A collected sample with the tensors of :data:`SYNC_KEYS` (C, H, W) cut to a window (y1, y2, x1, x2)."""
    y1, y2, x1, x2 = box
    return {
        key: value[:, y1:y2, x1:x2] if key in SYNC_KEYS and isinstance(value, Tensor) else value
        for key, value in sample.items()
    }


@DATASETS.register_module()
class UDADataset:
    """Pairs of a source and a target sample.

    Args:
        source: configuration of the labelled data set or a list of them, or the data set.
        target: the same of the other one, whose labels are not read (they need not exist). None: samples of the
            source alone, for methods that do not look at a target (domain generalisation).
        labelled_target: the same of pictures of the target that do have labels, if there are any; they join the
            source (semi-supervised adaptation).
        labelled_share: share of the labelled samples that come from ``labelled_target``, between 0 and 1.
        rare_class_sampling: dict(min_pixels, class_temp, min_crop_ratio), see RareClassSampler; None pairs
            every source
            with every target.
        sync_crop_size: (h, w) of a window that is cut at the same place from both samples.

    Raises:
        ConfigError: the two differ in classes or colours.
        DataError: missing files.
    """

    def __init__(
        self,
        source: Any,
        target: Any = None,
        rare_class_sampling: dict[str, Any] | None = None,
        sync_crop_size: tuple[int, int] | None = None,
        labelled_target: Any = None,
        labelled_share: float = 0.5,
    ) -> None:
        self.source: CustomDataset | ConcatDataset = (
            build_dataset(source) if isinstance(source, dict | list) else source
        )
        if labelled_target is not None:
            self.source = ConcatDataset([self.source, labelled_target], [1 - labelled_share, labelled_share])
        self.target: CustomDataset | ConcatDataset | None = (
            _build_target(target) if isinstance(target, dict | list) else target
        )
        if self.target is not None:
            _check_equal(self.source, self.target)
        shown = self.target or self.source
        self.CLASSES, self.PALETTE = shown.CLASSES, shown.PALETTE
        self.sync_crop_size = (
            None if sync_crop_size is None else (int(sync_crop_size[0]), int(sync_crop_size[1]))
        )
        self.rare_classes = None
        if rare_class_sampling is not None:
            self.rare_classes = RareClassSampler(self.source, **_sampling_options(rare_class_sampling))

    @staticmethod
    def problems(options: Mapping[str, Any]) -> list[str]:
        """What is wrong with options of the right types, see :mod:`mmseg.datasets.option_values`."""
        return pair_problems(options)

    def __len__(self) -> int:
        return len(self.source) * (1 if self.target is None else len(self.target))

    def draw(self, i: int, seed: int) -> Results:
        """Sample number i of a run with ``seed``.

        Without rare class sampling source and target follow two shuffled orders of their own. The publication
        permutes all len(self) pairs (74 million for GTA and Cityscapes) instead.
        """
        rng = rng_for(seed, i)
        if self.rare_classes is not None:
            return self._sample_rare(rng)
        source = picked_index(i, len(self.source), seed, self.source.shares, stream=1)
        if self.target is None:
            return self._join(self.source.sample(source, rng), None, rng)
        target = picked_index(i, len(self.target), seed, self.target.shares, stream=2)
        return self._sample_pair(source, target, rng)

    def sample(self, index: int, rng: Rng) -> Results:
        """Pair ``index``: source index // len(target), target index % len(target).

        With rare class sampling the index is ignored."""
        if self.rare_classes is not None:
            return self._sample_rare(rng)
        if self.target is None:
            return self._join(self.source.sample(index, rng), None, rng)
        return self._sample_pair(*divmod(index, len(self.target)), rng)

    def __getitem__(self, index: int) -> Results:
        """Sample ``index`` with the randomness of seed 0, for looking at the data."""
        return self.sample(index, rng_for(0, index))

    def _sample_pair(self, source: int, target: int, rng: Rng) -> Results:
        assert self.target is not None
        first = self.source.sample(source, rng)
        return self._join(first, self.target.sample(target, rng), rng)

    def _sample_rare(self, rng: Rng) -> Results:
        assert self.rare_classes is not None
        first = self.rare_classes.sample(rng)
        if self.target is None:
            return self._join(first, None, rng)
        target = int(rng.choice(len(self.target), p=self.target.shares))
        return self._join(first, self.target.sample(target, rng), rng)

    def _join(self, source: Results, target: Results | None, rng: Rng) -> Results:
        if self.sync_crop_size is not None:
            box = draw_offset(tuple(source['img'].shape[1:]), self.sync_crop_size, rng)
            source, target = cut_sample(source, box), target and cut_sample(target, box)
        joined = dict(source)
        if target is None:
            return joined
        joined['target_img_metas'] = target['img_metas']
        joined['target_img'] = target['img']
        if VALID_MASK in target:
            joined[VALID_MASK] = target[VALID_MASK]
        return joined


def _build_target(cfg: Any) -> CustomDataset | ConcatDataset:
    def unlabelled(single: dict[str, Any]) -> dict[str, Any]:
        return {**single, 'pipeline': without_labels(single['pipeline'])}

    dataset: CustomDataset | ConcatDataset = build_dataset(changed_datasets(cfg, unlabelled))
    return dataset


def _sampling_options(cfg: dict[str, Any]) -> dict[str, Any]:
    expected = {'min_pixels', 'class_temp', 'min_crop_ratio'}
    if set(cfg) != expected:
        raise ConfigError(
            f'rare_class_sampling: found keys {sorted(cfg)}; expected exactly {sorted(expected)}.'
        )
    return dict(cfg)


def _check_equal(source: CustomDataset | ConcatDataset, target: CustomDataset | ConcatDataset) -> None:
    for name in ('CLASSES', 'PALETTE'):
        ours, theirs = getattr(source, name), getattr(target, name)
        if not (equal_colours if name == 'PALETTE' else operator.eq)(ours, theirs):
            raise ConfigError(
                f'data.train: {name} of source ({ours}) and target ({theirs}) differ; both must be the same.'
            )
