"""How often classes occur, in the folder of tests/datasets/conftest.py."""

import numpy as np
import pytest
import torch

from mmseg.datasets import build_dataset
from mmseg.toolbox.preparation.class_use import count_use, delivered_use, label_of, stored_use
from tests.datasets.conftest import source_cfg


def test_shares_are_of_the_classes_and_presence_of_the_labels():
    first, second = np.zeros((2, 256), np.int64)
    first[[0, 1, 255]] = 60, 20, 100
    second[0] = 20
    use = count_use('x', [first, second])
    assert use.shares(3).tolist() == [80, 20, 0]
    assert use.presence(3).tolist() == [100, 50, 0]
    assert count_use('none', []).shares(2).tolist() == [0, 0]


@pytest.mark.parametrize('with_statistics', [True, False])
def test_stored_classes_are_merged(folders, with_statistics):
    if not with_statistics:
        (folders / 'source/sample_class_stats.json').unlink()
    merge = {'merge': {4: 3}, 'classes': [0, 1, 2, 3]}
    use = stored_use(build_dataset(source_cfg(folders, class_merge=merge)))
    assert use.pixels[:5].tolist() == [1920, 480, 480, 960, 0]
    assert use.occurs[:5].tolist() == [4, 1, 1, 2, 0]
    assert use.labels == 4


def test_delivered_are_the_samples_of_the_run():
    class Fixed:
        def draw(self, i, seed):
            return {'gt_semantic_seg': torch.tensor([[[i, seed], [255, seed]]])}

    use = delivered_use('x', Fixed(), seed=7, first=3, count=2)
    assert (use.pixels[[3, 4, 7, 255]].tolist(), use.labels) == ([1, 1, 4, 2], 2)
    assert label_of(Fixed().draw(1, 2)).tolist() == [[1, 2], [255, 2]]
