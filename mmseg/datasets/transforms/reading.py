"""Steps that read pictures and label maps (docs/methods/pipelines.md)."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.label_table import IGNORED, reduced_table
from mmseg.datasets.transforms.base import Results, Transform
from mmseg.errors import DataError
from mmseg.fileio import exists, read_image, read_label, require_below
from mmseg.registry import TRANSFORMS


def _join(prefix: str | None, name: str) -> str:
    if not prefix:
        return name
    require_below(prefix, name, 'The data set')
    return os.path.join(
        prefix, name
    )  # a Path would leave its parts in Python's table of strings, for each sample


@TRANSFORMS.register_module()
class LoadImageFromFile(Transform):
    """Decode ``img_info['filename']`` below ``img_prefix`` to uint8 BGR and start the facts about it.

    Raises:
        DataError: missing or damaged file.
    """

    def apply(self, results: Results, drawn: Any) -> Results:
        """Set ``img`` and the facts; ``drawn`` is not used."""
        name = results['img_info']['filename']
        filename = _join(results.get('img_prefix'), name)
        return start_results(results, _decode(results, 0, filename, read_image), filename, name)


def _decode(
    results: Results, which: int, filename: str, read: Callable[[str], NDArray[np.uint8]]
) -> NDArray[np.uint8]:
    """The picture (0) or label map (1) of a sample, from the data set's cache if it has one."""
    if 'decoded' not in results:
        return read(filename)
    pixels: NDArray[np.uint8] = results['decoded'][which](filename, read)
    return pixels


def start_results(results: Results, image: NDArray[Any], filename: str | None, name: str | None) -> Results:
    """Put a decoded picture (H, W, 3) and the first facts about it into ``results``."""
    results.update(
        filename=filename,
        ori_filename=name,
        img=image,
        img_shape=image.shape,
        ori_shape=image.shape,
        pad_shape=image.shape,
        scale_factor=1.0,
        img_norm_cfg={
            'mean': np.zeros(3, np.float32),
            'std': np.ones(3, np.float32),
            'to_rgb': False,
        },
    )
    return results


@TRANSFORMS.register_module()
class LoadAnnotations(Transform):
    """Decode ``ann_info['seg_map']`` below ``seg_prefix`` to ``gt_semantic_seg`` (H, W) uint8.

    If ``results`` hold ``label_table`` (256 ids, uint8), every id is looked up in it. With ``valid_ids`` (the
    number of classes) other ids than 0..valid_ids-1 and 255 are refused.

    Args:
        reduce_zero_label: 0 becomes 255 and every other id is lowered by one. In a data set its own option of that
            name says so, and the step may only repeat it.

    Raises:
        DataError: missing or damaged file, an id outside the table, or another size than the picture's.
    """

    touches_labels: ClassVar[bool] = True

    def __init__(self, reduce_zero_label: bool = False) -> None:
        self.reduce_zero_label = reduce_zero_label

    def apply(self, results: Results, drawn: Any) -> Results:
        """Set ``gt_semantic_seg`` and register it in ``seg_fields``; ``drawn`` is not used."""
        filename = _join(results.get('seg_prefix'), results['ann_info']['seg_map'])
        label = _decode(results, 1, filename, partial(read_label_map, remedy=results.get('remedy', '')))
        if 'img' in results and label.shape != results['img'].shape[:2]:
            raise DataError(
                f'{filename}: the label map is {label.shape[1]}x{label.shape[0]} pixels, its picture '
                f'{results["filename"]} is {results["img"].shape[1]}x{results["img"].shape[0]}. Both must '
                'have the same size; convert or copy this pair again.'
            )
        label = apply_table(label, results.get('label_table'), self.reduce_zero_label)
        check_ids(label, results.get('valid_ids'), filename, results.get('ids_remedy', ''))
        results['gt_semantic_seg'] = label
        results['seg_fields'].append('gt_semantic_seg')
        return results


def read_label_map(filename: str, remedy: str) -> NDArray[np.uint8]:
    """Decode a label map to uint8 (H, W); raises DataError, with ``remedy`` if the file is missing."""
    if not exists(filename):
        raise DataError(f'{filename}: no such label map. {remedy}'.rstrip())
    return read_label(filename)


def apply_table(
    label: NDArray[np.uint8], table: NDArray[np.uint8] | None, reduce_zero_label: bool = False
) -> NDArray[np.uint8]:
    """Translate the ids of a label map (H, W) with a table of 256 entries and, optionally, drop class 0.

    Source: docs/methods/pipelines.md#loadannotations.
    """
    if table is not None:
        label = cv2.LUT(label, table)
    if reduce_zero_label:
        label = cv2.LUT(label, reduced_table())
    return label


def check_ids(label: NDArray[np.uint8], valid_ids: int | None, filename: str, remedy: str = '') -> None:
    """Raise DataError if a label map (H, W) has an id that is neither a class 0..valid_ids-1 nor ignored."""
    if valid_ids is None:
        return
    strange = cv2.inRange(label, valid_ids, IGNORED - 1)
    if not cv2.countNonZero(strange):
        return
    found = np.unique(label[strange > 0]).tolist()
    raise DataError(
        f'{filename}: found label ids {found[:10]}; expected 0..{valid_ids - 1} or {IGNORED} (ignored). '
        f'{remedy}'.rstrip()
    )
