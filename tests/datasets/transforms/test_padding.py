"""Padding at the bottom and right."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg.datasets.random import rng_for
from mmseg.datasets.transforms.padding import Pad, pad_to
from mmseg.errors import ConfigError

sides = st.integers(1, 40)


@given(h=sides, w=sides, size=st.tuples(sides, sides))
def test_padding_keeps_the_picture_in_the_corner(h: int, w: int, size: tuple[int, int]) -> None:
    array = np.arange(h * w).reshape(h, w) % 100
    padded = pad_to(array, size, 255)
    assert padded.shape == (max(h, size[0]), max(w, size[1]))
    np.testing.assert_array_equal(padded[:h, :w], array)
    assert (padded[h:] == 255).all()
    assert (padded[:, w:] == 255).all()


def test_padding_to_a_multiple() -> None:
    label = np.zeros((12, 20), np.uint8)
    results = {'img': np.zeros((12, 20, 3)), 'gt_semantic_seg': label, 'seg_fields': ['gt_semantic_seg']}
    got = Pad(size_divisor=8, pad_val=3)(results, rng_for(0, 0))
    assert got['pad_shape'] == (16, 24, 3)
    assert got['img'][-1, -1, 0] == 3
    assert got['gt_semantic_seg'][-1, -1] == 255


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({}, 'size'),
        ({'size': (4, 4), 'size_divisor': 4}, 'not both'),
        ({'size': (0, 4)}, 'positive'),
        ({'size_divisor': 0}, 'positive'),
    ],
)
def test_sizes_that_mean_nothing(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Pad(**options)
