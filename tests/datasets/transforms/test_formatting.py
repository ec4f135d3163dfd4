"""Tensors and collected keys."""

import numpy as np
import pytest
import torch

from mmseg.datasets.random import rng_for
from mmseg.datasets.transforms.formatting import META_KEYS, Collect, DefaultFormatBundle, ImageToTensor
from mmseg.errors import ConfigError


def test_bundle_shapes_and_types() -> None:
    image = np.random.default_rng(0).standard_normal((4, 5, 3)).astype(np.float32)
    label = np.array([[0, 255]], np.uint8)
    given = {'img': image, 'gt_semantic_seg': label, 'valid_pseudo_mask': np.ones((1, 2), np.uint8)}
    got = DefaultFormatBundle()(given, rng_for(0, 0))
    np.testing.assert_array_equal(got['img'].numpy(), image.transpose(2, 0, 1))
    assert got['img'].is_contiguous()
    assert got['gt_semantic_seg'].dtype == torch.uint8
    assert got['gt_semantic_seg'].tolist() == [[[0, 255]]]
    assert got['valid_pseudo_mask'].dtype == torch.uint8


def test_only_named_pictures_become_tensors() -> None:
    got = ImageToTensor(keys=['img'])({'img': np.zeros((2, 3, 3)), 'other': np.zeros((2, 3))}, rng_for(0, 0))
    assert got['img'].shape == (3, 2, 3)
    assert isinstance(got['other'], np.ndarray)


def test_collect_keeps_the_published_facts() -> None:
    given = {**dict.fromkeys(META_KEYS, 1), 'img': 2, 'more': 3}
    assert Collect(keys=['img'])(given, rng_for(0, 0)) == {'img': 2, 'img_metas': dict.fromkeys(META_KEYS, 1)}


def test_collect_names_what_is_missing() -> None:
    with pytest.raises(ConfigError, match=r'gt_semantic_seg, .*flip'):
        Collect(keys=['gt_semantic_seg'])({'img': 0}, rng_for(0, 0))
