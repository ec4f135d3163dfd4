"""The base of all data sets: pictures and label maps in parallel folders.

Source: docs/methods/datasets.md#data-set-classes.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.archives import divided
from mmseg.datasets.classes import chosen_classes, class_palette, parse_class_merge
from mmseg.datasets.decoded import DecodedCache
from mmseg.datasets.files import (
    find_files,
    how_to_prepare,
    label_names,
    missing_files,
    missing_labels,
    no_label_folder,
    read_split,
    stem_of,
    twins,
)
from mmseg.datasets.label_table import label_table
from mmseg.datasets.margins import margin_mask
from mmseg.datasets.option_values import single_problems
from mmseg.datasets.random import Rng, Shares, picked_index, rng_for
from mmseg.datasets.rare_classes import statistics_folder
from mmseg.datasets.steps import with_collected, with_one_reduction
from mmseg.datasets.transforms import Pipeline, Results
from mmseg.datasets.transforms.reading import apply_table, check_ids, read_label_map
from mmseg.errors import ConfigError
from mmseg.evaluation.metrics import Scores, evaluate
from mmseg.fileio import exists, is_folder
from mmseg.names import Names, Pictures
from mmseg.options import Positive
from mmseg.registry import DATASETS

logger = logging.getLogger(__name__)
VALID_MASK = 'valid_pseudo_mask'


@DATASETS.register_module()
class CustomDataset:
    """Pictures with label maps.

    Args:
        pipeline: list of steps; in settings also a preset, which is expanded before it comes here.
        img_dir: folder of the pictures, relative to ``data_root``; searched recursively.
        img_suffix: ending of the pictures; the class's own if None.
        ann_dir: folder of the label maps.
        seg_map_suffix: ending of the label maps; the class's own if None.
        split: file that lists pictures, one a line relative to ``img_dir``, instead of searching ``img_dir``.
        data_root: folder or archive that relative paths are joined to (docs/own-data.md).
        test_mode: give pictures for testing, without labels.
        ignore_index: label id of pixels that do not count; 255 behind the table (mmseg/datasets/label_table.py).
        reduce_zero_label: id 0 does not count and all others are lowered by one, in training and scoring.
        classes: names of the classes to learn (a subset of CLASSES is remapped), or a file that lists them.
        palette: their RGB colours, one a class; drawn from a colour wheel if there are none.
        class_merge: classes that count as one another, see mmseg/datasets/classes.py.
        crop_pseudo_margins: [top, bottom, left, right] of target pictures where pseudo-labels do not count,
            in pixels of ``FULL_SIZE``; adds ``valid_pseudo_mask`` (1, H, W), uint8, to the samples
            (docs/methods/datasets.md#pseudo-label-margins).
        cache_dir, cache_gb: folder that keeps so many gigabytes of decoded files for later epochs and runs, or None.

    Raises:
        DataError: a folder is missing or holds no fitting file.
        ConfigError: options that do not fit together.
    """

    CLASSES: Sequence[str] | None = None
    PALETTE: Sequence[Sequence[int]] | None = None
    shares: Shares | None = None
    IMG_SUFFIX: ClassVar[str] = '.jpg'
    SEG_MAP_SUFFIX: ClassVar[str] = '.png'
    USES_SPLIT: ClassVar[bool] = True
    FULL_SIZE: ClassVar[tuple[int, int] | None] = None
    PREPARE: ClassVar[str] = ''
    """How to prepare this data set, for one whose labels are converted."""

    def __init__(
        self,
        pipeline: Sequence[dict[str, Any]] | dict[str, Any],
        img_dir: str,
        img_suffix: str | None = None,
        ann_dir: str | None = None,
        seg_map_suffix: str | None = None,
        split: str | None = None,
        data_root: str | None = None,
        test_mode: bool = False,
        ignore_index: int = 255,
        reduce_zero_label: bool = False,
        classes: Sequence[str] | str | None = None,
        palette: Sequence[Sequence[int]] | None = None,
        class_merge: dict[str, Any] | None = None,
        crop_pseudo_margins: tuple[int, int, int, int] | None = None,
        cache_dir: str | None = None,
        cache_gb: Positive = 50,
    ) -> None:
        self.data_root = data_root
        self.img_dir = self._below_root(img_dir) or ''
        self.ann_dir = self._below_root(ann_dir)
        self.img_suffix = img_suffix or self.IMG_SUFFIX
        self.seg_map_suffix = seg_map_suffix or self.SEG_MAP_SUFFIX
        self.split = self._split_file(split)
        self.test_mode = test_mode
        self.ignore_index = ignore_index
        chosen = self._set_classes(classes, palette)
        self.class_merge = parse_class_merge(class_merge, self.CLASSES)
        merge = self.class_merge.table() if self.class_merge else None
        self.label_table = label_table(reduce_zero_label, chosen, merge, ignore_index)
        self.valid_mask = margin_mask(crop_pseudo_margins, self.FULL_SIZE, type(self).__name__)
        self.steps = with_one_reduction(pipeline, reduce_zero_label)
        if self.valid_mask is not None:
            self.steps = with_collected(self.steps, VALID_MASK)
        self.pipeline = Pipeline(self.steps)
        self.img_infos = self._find()
        logger.info('Loaded %d images from %s', len(self.img_infos), self.img_dir)
        self._decoded = None if cache_dir is None else DecodedCache(cache_dir, cache_gb, self._files())
        if not test_mode and any(step['type'] == 'LoadAnnotations' for step in self.steps):
            self.check_labels()

    @classmethod
    def problems(cls, options: Mapping[str, Any]) -> list[str]:
        """What is wrong with options of the right types, see :mod:`mmseg.datasets.option_values`."""
        return single_problems(cls, options)

    def __len__(self) -> int:
        return len(self.img_infos)

    def __getitem__(self, index: int) -> Results:
        """Picture ``index`` without randomness that matters: test-time access."""
        return self.pipeline(self._start(index), rng_for(0, index))

    def draw(self, i: int, seed: int) -> Results:
        """Sample number i of a run with ``seed``: every picture once per len(self) samples, shuffled."""
        return self.sample(picked_index(i, len(self), seed, self.shares), rng_for(seed, i))

    def sample(self, index: int, rng: Rng) -> Results:
        """Picture ``index`` through the training pipeline."""
        return self.process(self.load(index), rng)

    def load(self, index: int) -> Results:
        """Picture ``index`` decoded and through the steps that draw nothing."""
        results = self.pipeline.prepare(self._start(index), rng_for(0, index))
        mask, image = results.get(VALID_MASK), results['img']
        if isinstance(mask, np.ndarray) and mask.shape != image.shape[:2]:
            size = (image.shape[1], image.shape[0])
            results[VALID_MASK] = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
        return results

    def process(self, loaded: Results, rng: Rng) -> Results:
        """The rest of the pipeline for what :meth:`load` returned, which can be used again."""
        return self.pipeline.finish(self.pipeline.place(loaded, rng), rng)

    def get_gt_seg_map(self, index: int) -> NDArray[np.uint8]:
        """Label map (H, W) of picture ``index``, uint8, through the table: classes and 255.

        Raises:
            DataError: missing or damaged file, or an id outside the classes.
        """
        filename = os.path.join(self.ann_dir or '', self.img_infos[index]['ann']['seg_map'])
        read = partial(read_label_map, remedy=self.remedy())
        raw = read(filename) if self._decoded is None else self._decoded.read(2 * index + 1, filename, read)
        label = apply_table(raw, self.label_table)
        check_ids(label, self._valid_ids(), filename, self.ids_remedy())
        return label

    def evaluate_confusion(self, confusion: NDArray[np.int64], metric: str = 'mIoU') -> Scores:
        """Scores of a confusion matrix (C, C), rows true, columns predicted.

        Over all classes, or those of ``class_merge``. Source: docs/methods/datasets.md#scores; see
        mmseg/evaluation/metrics.py.
        """
        return evaluate(confusion, metric, self.CLASSES or (), merge=self.class_merge)

    def check_labels(self) -> None:
        """Raise DataError if the label map of the first picture is not there (one look at the disk)."""
        seg_map = self.img_infos[0]['ann'].get('seg_map')
        if self.ann_dir is None or seg_map is None:
            raise no_label_folder(self.img_dir, self.steps)
        if not exists(os.path.join(self.ann_dir, seg_map)):
            name = self.img_infos[0]['filename']
            stem = '' if self.PREPARE else stem_of(name, self.img_suffix)
            raise missing_labels(self.ann_dir, seg_map, name, stem, self.remedy())

    def remedy(self) -> str:
        """The sentence that tells how to prepare this data set."""
        return self._prepare() or 'Check data_root, img_dir, ann_dir and the suffixes in the configuration.'

    def ids_remedy(self) -> str:
        """The sentence that tells what to do about ids in label maps that are no classes."""
        if prepare := self._prepare():
            return f'If these are the original ids, convert the labels: {prepare}'
        return (
            'Label maps hold 0 for the first of classes, 1 for the second, ...: name all classes, set '
            'reduce_zero_label=True if 0 means none and classes begin at 1, or set ignore_index.'
        )

    def statistics_remedy(self) -> str:
        """The sentence that tells how to write the statistics for rare class sampling."""
        packed = divided(self.data_root or '') is not None  # whose label maps are not converted
        place = 'the folder beside the archive' if packed else 'data_root'
        count = f'Run `python tools/class_statistics.py CONFIG`; it converts nothing, counts into {place}.'
        return (not packed and self._prepare()) or count

    @property
    def statistics_folder(self) -> str:
        """Where the statistics for rare class sampling are."""
        return statistics_folder(self.data_root or '.')

    def parts(self) -> list['CustomDataset']:
        """The single data sets: this one (compare ConcatDataset)."""
        return [self]

    def part_of(self, index: int) -> tuple['CustomDataset', int]:
        """The single data set of picture ``index``, and the picture's number there."""
        return self, index

    def picture_file(self, index: int) -> Path:
        """The file of picture ``index``."""
        return Path(self.img_dir, self.img_infos[index]['filename'])

    def _prepare(self) -> str:
        return how_to_prepare(self.PREPARE, self.data_root or self.img_dir)

    def _below_root(self, path: str | None) -> str | None:
        if path is None or self.data_root is None or os.path.isabs(path):
            return path
        return os.path.join(self.data_root, path)

    def _split_file(self, split: str | None) -> str | None:
        if self.USES_SPLIT:
            return self._below_root(split)
        if split not in (None, 'train'):
            raise ConfigError(f"{type(self).__name__}: split is {split!r}; this data set only has 'train'.")
        return None

    def _set_classes(
        self, classes: Sequence[str] | str | None, palette: Sequence[Sequence[int]] | None
    ) -> list[int] | None:
        """Set CLASSES and PALETTE; returns which of the class's own classes are chosen, None if it has none."""
        names, chosen = chosen_classes(self.CLASSES, classes, type(self).__name__)
        if names is not None:
            self.PALETTE = class_palette(self.PALETTE, names, chosen, palette)
        self.CLASSES = names
        return chosen

    def _valid_ids(self) -> int | None:
        return None if self.CLASSES is None else len(self.CLASSES)

    def _find(self) -> Pictures:
        if self.split is not None:
            names = read_split(self.split, self.img_dir, self.img_suffix)
        else:
            names = find_files(self.img_dir, self.img_suffix) if is_folder(self.img_dir) else []
        if not names:
            raise missing_files('pictures', self.img_dir, self.img_suffix, self.remedy())
        stems = [stem_of(name, self.img_suffix) for name in names]
        if len(set(stems)) < len(set(names)):
            raise twins(self.img_dir, names, stems)
        if self.ann_dir is None:
            return Pictures(Names(names))
        labels = label_names(self.ann_dir, stems, self.seg_map_suffix)
        return Pictures(Names(names), Names(labels[stem] for stem in stems))

    def _files(self) -> Iterator[str]:
        """Absolute paths of each picture and its label map."""
        pictures, labels = (os.path.abspath(folder or '') for folder in (self.img_dir, self.ann_dir))
        for info in self.img_infos:
            yield f'{pictures}/{info["filename"]}'
            yield f'{labels}/{info["ann"].get("seg_map")}'

    def _start(self, index: int) -> Results:
        info = self.img_infos[index]
        results: Results = {
            'img_info': info,
            'seg_fields': [],
            'img_prefix': self.img_dir,
            'seg_prefix': self.ann_dir,
            'label_table': self.label_table,
            'valid_ids': self._valid_ids(),
            'remedy': self.remedy(),
            'ids_remedy': self.ids_remedy(),
        }
        if not self.test_mode:
            results['ann_info'] = info['ann']
        if self._decoded is not None:
            results['decoded'] = [partial(self._decoded.read, 2 * index + which) for which in (0, 1)]
        if self.valid_mask is not None:
            results[VALID_MASK] = self.valid_mask
            results['seg_fields'].append(VALID_MASK)
        return results
