"""Strong jitter, grey pictures and blur."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg.datasets.presets import train_pipeline
from mmseg.datasets.random import rng_for
from mmseg.datasets.transforms import StrongPhotometric
from mmseg.datasets.transforms.strong_photometric import Photometric, apply_photometric, jitter
from mmseg.errors import ConfigError

IMAGE = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)


@given(
    st.sampled_from(['brightness', 'contrast', 'saturation', 'hue']),
    st.floats(0.2, 1.8),
)
@settings(max_examples=40, deadline=None)
def test_neutral_value_changes_nothing_and_others_keep_shape_and_type(kind: str, value: float) -> None:
    assert np.abs(jitter(IMAGE, kind, float(kind != 'hue')).astype(int) - IMAGE).max() <= (
        12 if kind == 'hue' else 1
    )
    moved = jitter(IMAGE, kind, value)
    assert (moved.dtype, moved.shape) == (IMAGE.dtype, IMAGE.shape)


def test_meaning_of_each_change() -> None:
    grey = cv2.cvtColor(IMAGE, cv2.COLOR_BGR2GRAY)
    np.testing.assert_array_equal(jitter(IMAGE, 'brightness', 0.5), IMAGE // 2)
    assert np.ptp(jitter(IMAGE, 'contrast', 0.0)) == 0
    assert abs(float(jitter(IMAGE, 'contrast', 0.0).mean()) - grey.mean()) <= 1
    np.testing.assert_array_equal(jitter(IMAGE, 'saturation', 0.0), grey[..., None].repeat(3, 2))
    red = np.full((1, 1, 3), (0, 0, 200), np.uint8)
    np.testing.assert_array_equal(jitter(red, 'hue', 1 / 3)[0, 0], (0, 200, 0))


def test_grey_has_no_colours_and_blur_smooths() -> None:
    assert np.ptp(apply_photometric(IMAGE, Photometric(grey=True)), axis=2).max() == 0
    assert apply_photometric(IMAGE, Photometric(sigma=2.0)).std() < IMAGE.std() / 2
    np.testing.assert_array_equal(apply_photometric(IMAGE, Photometric()), IMAGE)


def test_draws_stay_in_range_and_parts_are_as_frequent_as_asked() -> None:
    drawn = [StrongPhotometric().draw({}, rng_for(0, i)) for i in range(400)]
    assert {kind for kind, _ in drawn[0].jitter} == {'brightness', 'contrast', 'saturation', 'hue'}
    assert len({tuple(kind for kind, _ in one.jitter) for one in drawn}) == 24
    assert all(
        abs(value - (kind != 'hue')) <= (0.4 if kind == 'hue' else 0.8)
        for one in drawn
        for kind, value in one.jitter
    )
    assert 20 < sum(one.grey for one in drawn) < 65
    assert 160 < sum(one.sigma is not None for one in drawn) < 240


def test_switching_a_part_off_leaves_the_others() -> None:
    both, one = (StrongPhotometric(blur_prob=p).draw({}, rng_for(1, 3)) for p in (1, 0))
    assert both.sigma is not None
    assert one == Photometric(both.jitter, both.grey, None)


def test_preset_puts_it_before_normalisation() -> None:
    steps = [step['type'] for step in train_pipeline((8, 8), (4, 4), strong_photometric={})]
    assert steps.index('RandomFlip') + 1 == steps.index('StrongPhotometric') == steps.index('Normalize') - 1


def test_bad_values_and_normalised_pictures_are_user_errors() -> None:
    with pytest.raises(ConfigError, match=r'hue=0.6'):
        StrongPhotometric(hue=0.6)
    with pytest.raises(ConfigError, match='sigma_range'):
        StrongPhotometric(sigma_range=(0, 1))
    with pytest.raises(ConfigError, match='before Normalize'):
        StrongPhotometric().apply({'img': IMAGE.astype(np.float32)}, Photometric())
