"""Scores over subsets of the classes; memory of a test run."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmseg.toolbox.testing import run as module
from mmseg.toolbox.testing.outputs import ResultFile
from mmseg.toolbox.testing.picture_counts import PictureCounts
from tests.engine.test_evaluate import Oracle


def test_subset_means() -> None:
    matrix = np.eye(19, dtype=np.int64)
    for absent in (9, 14, 16):
        matrix[absent] = 0
        matrix[absent, 0] = 1
    means = module.subset_means(matrix)
    assert means['mIoU19'] < means['mIoU16']
    assert means['mIoU16'] == pytest.approx((15 + 0.25) / 16, abs=1e-4)


class Street:
    """Any number of pictures of 128 x 128 pixels, of class 0."""

    CLASSES = ('a', 'b')
    ignore_index = 255

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {'img': torch.zeros(3, 128, 128), 'img_metas': {'filename': f'{index}.png'}}

    def get_gt_seg_map(self, index: int) -> np.ndarray:
        return np.zeros((128, 128), np.uint8)


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    peaks = []
    for count in (10, 40):
        tracemalloc.start()
        outputs: list[Any] = [ResultFile(tmp_path / f'{count}.pkl')]
        counts = PictureCounts(count, 2, lambda matrix: matrix)
        matrix = module._run(Oracle().eval(), Street(count), 0, outputs, counts)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert matrix is not None
        assert matrix.tolist() == [[count * 128 * 128, 0], [0, 0]]
    label_map = 128 * 128 * np.dtype(np.int64).itemsize
    assert (tmp_path / '40.pkl').stat().st_size > 40 * label_map
    assert peaks[1] < peaks[0] + 2 * label_map


def test_official_ids_belong_to_the_classes_of_cityscapes() -> None:
    from types import SimpleNamespace

    from mmseg.datasets.classes import CLASSES
    from mmseg.errors import UsageError
    from mmseg.toolbox.testing.run import OutputOptions, _with_known_ids

    own, city = SimpleNamespace(CLASSES=('a', 'b')), SimpleNamespace(CLASSES=CLASSES)
    assert _with_known_ids(OutputOptions(), city).to_label_id is True
    assert _with_known_ids(OutputOptions(), own).to_label_id is False
    for options in (OutputOptions(to_label_id=True), OutputOptions(('cityscapes',), to_label_id=True)):
        assert _with_known_ids(options, city) == options
        with pytest.raises(UsageError, match='belong to its 19 classes; data.test has 2: a, b'):
            _with_known_ids(options, own)
