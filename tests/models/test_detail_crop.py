"""Detail crops: where they may lie, and what shrinking a box does."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmseg.errors import ConfigError
from mmseg.models.detail_crop import blur_image, crop, draw_box, fill_up, resize_by, scale_image, shrink


@given(
    seed=st.integers(0, 1000),
    size=st.tuples(st.integers(40, 90), st.integers(40, 90)),
    window=st.tuples(st.integers(8, 32), st.integers(8, 32)),
    divisible=st.sampled_from([1, 4, 8]),
)
def test_box_lies_inside_has_its_size_and_divisible_offsets(seed, size, window, divisible):
    y1, y2, x1, x2 = draw_box(np.random.default_rng(seed), size, window, divisible)
    assert (y2 - y1, x2 - x1) == window
    assert y1 >= 0
    assert y2 <= size[0]
    assert x1 >= 0
    assert x2 <= size[1]
    assert y1 % divisible == x1 % divisible == 0


def test_last_position_of_a_divisible_margin_is_never_drawn():
    stream = np.random.default_rng(0)
    tops = {draw_box(stream, (64, 64), (32, 32), 8)[0] for _ in range(200)}
    assert tops == {0, 8, 16, 24}


def test_crop_of_the_image_size_draws_nothing():
    assert draw_box(None, (32, 48), (32, 48), 8) == (0, 32, 0, 48)  # type: ignore[arg-type]


def test_window_larger_than_the_image_is_the_image():
    assert draw_box(np.random.default_rng(0), (20, 64), (32, 32), 1)[:2] == (0, 20)


def test_margin_smaller_than_the_step_is_an_error_that_names_the_sizes():
    with pytest.raises(ConfigError, match=r'hr_crop_size is \(32, 32\).*\(36, 64\)'):
        draw_box(np.random.default_rng(0), (36, 64), (32, 32), 8)


def test_shrink_truncates():
    assert shrink((8, 40, 24, 56), 16) == (0, 2, 1, 3)
    assert shrink((16, 48, 8, 40), 4 / 0.75) == (3, 9, 1, 7)


def test_crop_is_a_view():
    x = torch.zeros(1, 1, 4, 4)
    crop(x, (1, 3, 0, 2)).fill_(1)
    assert x.sum() == 4


def test_scaling():
    image = torch.rand(1, 3, 35, 40)
    assert scale_image(image, 1) is image
    assert resize_by(image, 0.5).shape == (1, 3, 17, 20)
    assert blur_image(torch.rand(1, 3, 32, 32)).shape == (1, 3, 32, 32)


def test_short_edges_grow_to_what_can_be_divided():
    image = torch.ones(1, 3, 33, 70)
    filled = fill_up(image, (64, 64), 4)
    assert filled.shape == (1, 3, 36, 70)
    assert torch.equal(filled[:, :, :33], image)
    assert not filled[:, :, 33:].any()
    assert fill_up(image, (32, 32), 4) is image
