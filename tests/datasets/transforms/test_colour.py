"""Normalisation and photometric distortion."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg.datasets.random import rng_for
from mmseg.datasets.transforms.colour import (
    Normalize,
    PhotoMetricDistortion,
    apply_change,
    normalize,
    scale_bytes,
    scale_saturation,
    shift_hue,
)
from mmseg.errors import ConfigError

MEAN = np.array([123.675, 116.28, 103.53], np.float32)
STD = np.array([58.395, 57.12, 57.375], np.float32)
ALL_BYTES = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)


@pytest.mark.parametrize('dtype', [np.uint8, np.float32])
@pytest.mark.parametrize('to_rgb', [True, False])
def test_normalize_is_the_plain_arithmetic(dtype: type, to_rgb: bool) -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(dtype)
    ordered = image[..., ::-1] if to_rgb else image
    want = (ordered.astype(np.float32) - MEAN) * (1 / STD)
    got = normalize(image, MEAN, STD, to_rgb)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, atol=1e-6)


def test_normalized_planes_are_contiguous() -> None:
    assert normalize(ALL_BYTES, MEAN, STD, True).transpose(2, 0, 1).flags['C_CONTIGUOUS']


def test_normalize_of_a_view() -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        normalize(image[1:6, 2:9], MEAN, STD, True), normalize(image, MEAN, STD, True)[1:6, 2:9]
    )


def test_normalize_records_what_it_did() -> None:
    got = Normalize(mean=[1, 2, 3], std=[4, 5, 6])({'img': ALL_BYTES}, rng_for(0, 0))
    assert got['img_norm_cfg']['to_rgb'] is True
    np.testing.assert_array_equal(got['img_norm_cfg']['std'], [4, 5, 6])


@given(factor=st.floats(0.5, 1.5), shift=st.floats(-32, 32))
def test_table_is_the_plain_arithmetic(factor: float, shift: float) -> None:
    want = np.clip(ALL_BYTES.astype(np.float32) * np.float32(factor) + np.float32(shift), 0, 255).astype(
        np.uint8
    )
    np.testing.assert_array_equal(scale_bytes(ALL_BYTES, factor, shift), want)


def test_grey_has_neither_saturation_nor_hue() -> None:
    np.testing.assert_array_equal(scale_saturation(ALL_BYTES, 1.5), ALL_BYTES)
    np.testing.assert_array_equal(shift_hue(ALL_BYTES, 17), ALL_BYTES)


def test_hue_turns_red_into_green() -> None:
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 2] = 200
    np.testing.assert_array_equal(shift_hue(red, 60)[0, 0], [0, 200, 0])
    np.testing.assert_array_equal(shift_hue(red, -180), red)


def test_no_saturation_is_grey() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    assert (cv2.cvtColor(scale_saturation(image, 0.0), cv2.COLOR_BGR2HSV)[..., 1] == 0).all()


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6))
def test_drawn_changes_keep_to_their_ranges(seed: int) -> None:
    changes = PhotoMetricDistortion().draw({}, rng_for(seed, 0))
    kinds = [kind for kind, _ in changes]
    assert len(set(kinds)) == len(kinds)
    limits = {'brightness': (-32, 32), 'contrast': (0.5, 1.5), 'saturation': (0.5, 1.5), 'hue': (-18, 17)}
    for kind, value in changes:
        assert limits[kind][0] <= value <= limits[kind][1]
    without_contrast = [kind for kind in kinds if kind != 'contrast']
    assert without_contrast == [kind for kind in ('brightness', 'saturation', 'hue') if kind in kinds]
    position = kinds.index('contrast') if 'contrast' in kinds else 0
    assert position in (0, len(kinds) - 1) or kinds[:position] == ['brightness']


def test_each_change_happens_half_the_time() -> None:
    drawn = [dict(PhotoMetricDistortion().draw({}, rng_for(1, i))) for i in range(1000)]
    for kind in ('brightness', 'contrast', 'saturation', 'hue'):
        assert 0.45 < np.mean([kind in changes for changes in drawn]) < 0.55


def test_changes_are_carried_out_in_order_on_a_copy() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    before = image.copy()
    changes: list[Any] = [('brightness', 10.0), ('saturation', 1.4), ('hue', 5), ('contrast', 0.7)]
    got = PhotoMetricDistortion().apply({'img': image}, changes)['img']
    want = image
    for change in changes:
        want = apply_change(want, change)
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(image, before)


def test_distortion_of_a_normalised_picture_is_refused() -> None:
    with pytest.raises(ConfigError, match='before Normalize'):
        PhotoMetricDistortion()({'img': np.zeros((2, 2, 3), np.float32)}, rng_for(0, 0))
