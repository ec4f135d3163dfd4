"""Resize, crop and flip."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg.datasets.random import rng_for
from mmseg.datasets.transforms.geometry import (
    RandomCrop,
    RandomFlip,
    Resize,
    as_scales,
    count_ids,
    crop,
    draw_offset,
    draw_scale,
    fitted_size,
    flip,
    is_varied,
)
from mmseg.errors import ConfigError

sides = st.integers(1, 40)


def results(height: int = 12, width: int = 20) -> dict[str, Any]:
    """Picture and label that encode their own position."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    label = rows + columns
    return {
        'img': np.dstack([rows, columns, rows]),
        'gt_semantic_seg': label,
        'seg_fields': ['gt_semantic_seg'],
    }


@given(h=sides, w=sides, scale=st.tuples(st.integers(4, 80), st.integers(4, 80)))
def test_fitted_size_stays_within_the_scale(h: int, w: int, scale: tuple[int, int]) -> None:
    width, height = fitted_size(h, w, scale)
    assert max(width, height) <= max(scale)
    assert min(width, height) <= min(scale)
    assert max(width, height) >= max(scale) - 1 or min(width, height) >= min(scale) - 1


def test_sizes_of_the_published_data_sets() -> None:
    assert fitted_size(1052, 1914, (1280, 720)) == (1280, 704)
    assert fitted_size(1052, 1914, (2560, 1440)) == (2560, 1407)
    assert fitted_size(760, 1280, (2560, 1520)) == (2560, 1520)


@given(seed=st.integers(0, 200))
def test_scales_lie_between_the_extremes(seed: int) -> None:
    low, high = (40, 20), (60, 24)
    width, height = draw_scale([low, high], 'range', None, rng_for(seed, 0))
    assert 40 <= width <= 60
    assert 20 <= height <= 24
    assert draw_scale([low, high], 'value', None, rng_for(seed, 0)) in (low, high)
    ratio_width, ratio_height = draw_scale([high], 'range', (0.5, 2.0), rng_for(seed, 0))
    assert 30 <= ratio_width <= 120
    assert ratio_height == int(24 * (ratio_width / 60)) or abs(ratio_height - 24 * ratio_width / 60) < 1


def test_resize_to_the_same_size_changes_nothing() -> None:
    given_ = results()
    got = Resize(img_scale=(20, 12))(dict(given_), rng_for(0, 0))
    np.testing.assert_array_equal(got['img'], given_['img'])
    np.testing.assert_array_equal(got['gt_semantic_seg'], given_['gt_semantic_seg'])
    np.testing.assert_array_equal(got['scale_factor'], np.ones(4, np.float32))


def test_label_maps_of_another_size_get_the_size_of_the_picture() -> None:
    given_ = results()
    given_['gt_semantic_seg'] = np.ones((100, 7), np.uint8)
    got = Resize(img_scale=(40, 24))(given_, rng_for(0, 0))
    assert got['gt_semantic_seg'].shape == got['img'].shape[:2] == (24, 40)


def test_scale_of_the_results_is_used_unless_overridden() -> None:
    for override, width in ((False, 10), (True, 40)):
        step = Resize(img_scale=[40, 24], override_scale=override)
        assert step({**results(), 'scale': (10, 6)}, rng_for(0, 0))['img'].shape[1] == width


def test_ratio_of_the_own_size() -> None:
    got = Resize(ratio_range=(0.5, 0.5))(results(), rng_for(0, 0))
    assert got['img'].shape == (6, 10, 3)


@pytest.mark.parametrize(
    ('options', 'random'),
    [
        ({'img_scale': (4, 4)}, False),
        ({'img_scale': [(4, 4), (8, 8)]}, True),
        ({'ratio_range': (1, 2)}, True),
    ],
)
def test_only_some_resizes_draw(options: dict[str, Any], random: bool) -> None:
    assert Resize(**options).random is random


def test_scales_from_json() -> None:
    assert as_scales([128, 72]) == [(128, 72)]
    assert as_scales([[128, 72], [64, 36]]) == [(128, 72), (64, 36)]
    assert as_scales(None) == []


@given(h=sides, w=sides, crop_h=sides, crop_w=sides, seed=st.integers(0, 100))
def test_window_lies_inside_where_it_fits(h: int, w: int, crop_h: int, crop_w: int, seed: int) -> None:
    top, bottom, left, right = draw_offset((h, w), (crop_h, crop_w), rng_for(seed, 0))
    assert (bottom - top, right - left) == (crop_h, crop_w)
    assert 0 <= top <= max(h - crop_h, 0)
    assert 0 <= left <= max(w - crop_w, 0)
    cut = crop(np.zeros((h, w), np.uint8), (top, bottom, left, right))
    assert cut.shape == (min(h, crop_h), min(w, crop_w))


def test_all_offsets_are_drawn() -> None:
    tops = {draw_offset((5, 5), (3, 5), rng_for(0, i))[0] for i in range(60)}
    assert tops == {0, 1, 2}


@given(seed=st.integers(0, 300))
def test_picture_and_label_are_cut_at_the_same_place(seed: int) -> None:
    got = RandomCrop(crop_size=(5, 7))(results(), rng_for(seed, 0))
    assert got['img_shape'] == (5, 7, 3)
    np.testing.assert_array_equal(got['img'][..., 0] + got['img'][..., 1], got['gt_semantic_seg'])


@pytest.mark.parametrize(
    ('label', 'expected'),
    [([0, 0, 0, 0], False), ([0, 0, 0, 1], False), ([0, 0, 1, 1], True), ([0, 1, 255, 255], True),
     ([0, 255, 255, 255], False), ([255, 255, 255, 255], False)],
)  # fmt: skip
def test_share_of_the_largest_class(label: list[int], expected: bool) -> None:
    assert is_varied(np.array([label], np.uint8), 0.75) is expected


def test_ids_are_counted() -> None:
    label = np.random.default_rng(0).integers(0, 256, (30, 50)).astype(np.uint8)
    np.testing.assert_array_equal(
        count_ids(label[3:20, 5:]), np.bincount(label[3:20, 5:].ravel(), minlength=256)
    )


class CountingRng:
    """Counts the whole numbers that are drawn."""

    def __init__(self) -> None:
        self.count = 0

    def integers(self, low: int, high: int) -> int:
        self.count += 1
        return low


@pytest.mark.parametrize(('varied', 'boxes'), [(True, 1), (False, 11)])
def test_crop_is_drawn_again_ten_times(varied: bool, boxes: int) -> None:
    given_ = results()
    given_['gt_semantic_seg'] = np.indices((12, 20)).sum(0).astype(np.uint8) % (2 if varied else 1)
    rng = CountingRng()
    RandomCrop(crop_size=(4, 4), cat_max_ratio=0.75)(given_, rng)
    assert rng.count == 2 * boxes


def test_without_a_largest_share_no_label_is_needed() -> None:
    rng = CountingRng()
    RandomCrop(crop_size=(4, 4), cat_max_ratio=1.0)(
        {'img': np.zeros((12, 20, 3), np.uint8), 'seg_fields': []}, rng
    )
    assert rng.count == 2


@pytest.mark.parametrize('direction', ['horizontal', 'vertical'])
def test_two_flips_change_nothing(direction: str) -> None:
    step = RandomFlip(prob=1.0, direction=direction)
    once = step(results(), rng_for(0, 0))
    assert once['flip'] is True
    assert once['flip_direction'] == direction
    axis = 1 if direction == 'horizontal' else 0
    np.testing.assert_array_equal(once['img'], np.flip(results()['img'], axis))
    del once['flip'], once['flip_direction']
    np.testing.assert_array_equal(step(once, rng_for(0, 0))['gt_semantic_seg'], results()['gt_semantic_seg'])


def test_flip_of_the_results_wins_and_is_recorded() -> None:
    step = RandomFlip()
    assert step(results(), rng_for(0, 0))['flip'] is False
    got = step({**results(), 'flip': True, 'flip_direction': 'vertical'}, rng_for(0, 0))
    np.testing.assert_array_equal(got['img'], flip(results()['img'], 'vertical'))


def test_share_of_flips() -> None:
    flips = [RandomFlip(prob=0.3).draw({}, rng_for(0, i)) for i in range(1000)]
    assert 0.25 < np.mean(flips) < 0.35


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: Resize(img_scale=(4, 4), multiscale_mode='both'), 'multiscale_mode'),
        (lambda: Resize(img_scale=[(4, 4)] * 3), 'two scales'),
        (lambda: Resize()(results(), rng_for(0, 0)), 'img_scale is missing'),
        (lambda: RandomCrop(crop_size=(0, 4)), 'crop_size'),
        (lambda: RandomFlip(prob=50), 'probability'),
        (lambda: RandomFlip(direction='left'), 'direction'),
    ],
)
def test_wrong_options_are_explained(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_thin_pictures_keep_a_row() -> None:
    assert fitted_size(1, 4000, (512, 256)) == (512, 1)
