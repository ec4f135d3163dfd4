"""The base of all data sets: pictures and label maps in parallel folders (spec/data.md 3)."""

import logging
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.classes import parse_class_merge
from mmseg.datasets.files import find_files, missing_files, read_split
from mmseg.datasets.presets import expand_pipeline
from mmseg.datasets.random import Rng, rng_for, shuffled_index
from mmseg.datasets.steps import with_collected
from mmseg.datasets.transforms import Pipeline, Results
from mmseg.datasets.transforms.reading import apply_table, check_ids
from mmseg.errors import ConfigError
from mmseg.evaluation.formatting import write_prediction
from mmseg.evaluation.metrics import Scores, evaluate
from mmseg.fileio import read_bytes, read_label
from mmseg.registry import DATASETS

logger = logging.getLogger(__name__)
VALID_MASK = 'valid_pseudo_mask'


@DATASETS.register_module()
class CustomDataset:
    """Pictures with label maps.

    Args:
        pipeline: list of steps, or a preset (mmseg/datasets/presets.py).
        img_dir: folder of the pictures, relative to ``data_root``; searched recursively.
        img_suffix: ending of the pictures; the class's own if None.
        ann_dir: folder of the label maps.
        seg_map_suffix: ending of the label maps; the class's own if None.
        split: file that lists names without ending, one a line, instead of searching ``img_dir``.
        data_root: folder that relative paths are joined to.
        test_mode: give pictures for testing, without labels.
        ignore_index: label id of pixels that do not count.
        reduce_zero_label: drop class 0, see LoadAnnotations.
        classes: names of the classes to learn (a subset of CLASSES is remapped), or a file that lists them.
        palette: their RGB colours.
        class_merge: classes that count as one another, see mmseg/datasets/classes.py.
        crop_pseudo_margins: [top, bottom, left, right] of target pictures where pseudo-labels do not count,
            in pixels of ``FULL_SIZE``; adds ``valid_pseudo_mask`` (1, H, W), uint8, to the samples
            (spec/data.md 3.3).

    Raises:
        DataError: a folder is missing or holds no fitting file.
        ConfigError: options that do not fit together.
    """

    CLASSES: Sequence[str] | None = None
    PALETTE: Sequence[Sequence[int]] | None = None
    IMG_SUFFIX: ClassVar[str] = '.jpg'
    SEG_MAP_SUFFIX: ClassVar[str] = '.png'
    USES_SPLIT: ClassVar[bool] = True
    FULL_SIZE: ClassVar[tuple[int, int] | None] = None
    PREPARE: ClassVar[str] = 'Check data_root, img_dir, ann_dir and the suffixes in the configuration.'

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
    ) -> None:
        self.data_root = data_root
        self.img_dir = self._below_root(img_dir) or ''
        self.ann_dir = self._below_root(ann_dir)
        self.img_suffix = img_suffix or self.IMG_SUFFIX
        self.seg_map_suffix = seg_map_suffix or self.SEG_MAP_SUFFIX
        self.split = self._split_file(split)
        self.test_mode = test_mode
        self.ignore_index = ignore_index
        self.reduce_zero_label = reduce_zero_label
        self.label_table: NDArray[np.uint8] | None = None
        self._set_classes(classes, palette)
        self.class_merge = parse_class_merge(class_merge, self.CLASSES)
        if self.class_merge:
            table = self.class_merge.table()
            self.label_table = table if self.label_table is None else table[self.label_table]
        self.valid_mask = self._margin_mask(crop_pseudo_margins)
        self.steps = expand_pipeline(pipeline)
        if self.valid_mask is not None:
            self.steps = with_collected(self.steps, VALID_MASK)
        self.pipeline = Pipeline(self.steps)
        self.img_infos = self._find()
        logger.info('Loaded %d images from %s', len(self.img_infos), self.img_dir)
        if not test_mode and any(step['type'] == 'LoadAnnotations' for step in self.steps):
            self.check_labels()

    def __len__(self) -> int:
        return len(self.img_infos)

    def __getitem__(self, index: int) -> Results:
        """Picture ``index`` without randomness that matters: test-time access."""
        return self.pipeline(self._start(index), rng_for(0, index))

    def draw(self, i: int, seed: int) -> Results:
        """Sample number i of a run with ``seed``: every picture once per len(self) samples, shuffled."""
        return self.sample(shuffled_index(i, len(self), seed), rng_for(seed, i))

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
        """Label map (H, W) of picture ``index``, uint8, merged and remapped as configured.

        Raises:
            DataError: missing or damaged file, or an id outside the classes.
        """
        filename = os.path.join(self.ann_dir or '', self.img_infos[index]['ann']['seg_map'])
        label = apply_table(read_label(filename), self.label_table, self.reduce_zero_label)
        check_ids(label, self._valid_ids(), self.ignore_index, filename)
        return label

    def evaluate_confusion(self, confusion: NDArray[np.int64], metric: str = 'mIoU') -> Scores:
        """Scores of a confusion matrix (C, C), rows true, columns predicted.

        Over all classes, or those of ``class_merge``. Source: spec/data.md 3.4; see
        mmseg/evaluation/metrics.py.
        """
        return evaluate(confusion, metric, self.CLASSES or (), merge=self.class_merge)

    def format_result(
        self, pred: NDArray[np.integer], meta: dict[str, Any], folder: str | Path, to_label_id: bool = True
    ) -> Path:
        """Write a prediction (H, W) of train ids as a palette PNG named like its picture.

        See mmseg/evaluation/formatting.py, write_prediction.
        """
        return write_prediction(pred, meta['ori_filename'], folder, to_label_id, self.PALETTE or ())

    def check_labels(self) -> None:
        """Raise DataError if the label map of the first picture is not there (one look at the disk)."""
        seg_map = self.img_infos[0]['ann'].get('seg_map')
        if seg_map and os.path.exists(os.path.join(self.ann_dir or '', seg_map)):
            return
        raise missing_files('label maps', self.ann_dir or '(no ann_dir)', self.seg_map_suffix, self.remedy())

    def remedy(self) -> str:
        """The sentence that tells how to prepare this data set."""
        return self.PREPARE.format(data_root=shlex.quote((self.data_root or self.img_dir).rstrip('/')))

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
    ) -> None:
        if classes is None:
            self.PALETTE = palette or self.PALETTE
            return
        names = tuple(read_bytes(classes).decode().split('\n') if isinstance(classes, str) else classes)
        names = tuple(name.strip() for name in names if name.strip())
        own = self.CLASSES
        if own is not None:
            if unknown := [name for name in names if name not in own]:
                raise ConfigError(
                    f'classes: {unknown} are not among the classes of {type(self).__name__}: {own}.'
                )
            table = np.full(256, 255, np.uint8)
            table[[own.index(name) for name in names]] = np.arange(len(names))
            self.label_table = table
            if palette is None and self.PALETTE is not None:
                palette = [self.PALETTE[own.index(name)] for name in names]
        self.CLASSES, self.PALETTE = names, palette

    def _valid_ids(self) -> int | None:
        return None if self.CLASSES is None else len(self.CLASSES)

    def _margin_mask(self, margins: Sequence[int] | None) -> NDArray[np.uint8] | None:
        """uint8 map of FULL_SIZE, 0 within the margins and 1 elsewhere."""
        if margins is None:
            return None
        if self.FULL_SIZE is None or len(margins) != 4:
            raise ConfigError(
                f'crop_pseudo_margins: {list(margins)} given to {type(self).__name__}; expected [top, '
                'bottom, left, right] on a target data set whose full size is known (CityscapesDataset and '
                'its kind).'
            )
        height, width = self.FULL_SIZE
        top, bottom, left, right = margins
        mask = np.zeros(self.FULL_SIZE, np.uint8)
        mask[top : height - bottom, left : width - right] = 1
        return mask

    def _find(self) -> list[dict[str, Any]]:
        if self.split is not None:
            stems = read_split(self.split)
            names = [stem + self.img_suffix for stem in stems]
        else:
            names = find_files(self.img_dir, self.img_suffix) if os.path.isdir(self.img_dir) else []
            stems = [name.removesuffix(self.img_suffix) for name in names]
        if not names:
            raise missing_files('pictures', self.split or self.img_dir, self.img_suffix, self.remedy())
        if self.ann_dir is None:
            return [{'filename': name, 'ann': {}} for name in names]
        return [
            {'filename': name, 'ann': {'seg_map': stem + self.seg_map_suffix}}
            for name, stem in zip(names, stems, strict=True)
        ]

    def _start(self, index: int) -> Results:
        info = self.img_infos[index]
        results: Results = {
            'img_info': info,
            'seg_fields': [],
            'img_prefix': self.img_dir,
            'seg_prefix': self.ann_dir,
            'label_table': self.label_table,
            'valid_ids': self._valid_ids(),
            'ignore_index': self.ignore_index,
            'remedy': self.remedy(),
        }
        if not self.test_mode:
            results['ann_info'] = info['ann']
        if self.valid_mask is not None:
            results[VALID_MASK] = self.valid_mask
            results['seg_fields'].append(VALID_MASK)
        return results
