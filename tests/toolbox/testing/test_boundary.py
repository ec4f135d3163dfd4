"""Distances to the next class."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmseg.toolbox.testing.boundary import boundary_distance, within_band

LABELS = arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 3, 255])
)


def brute_force(label):
    found = np.full(label.shape, np.inf)
    places = np.argwhere(label != 255)
    for place in places:
        others = places[label[tuple(places.T)] != label[tuple(place)]]
        if len(others):
            found[tuple(place)] = np.sqrt(((others - place) ** 2).sum(axis=1)).min()
    return found


@given(LABELS)
def test_distance_is_that_of_the_nearest_pixel_of_another_class(label):
    np.testing.assert_allclose(boundary_distance(label), brute_force(label), rtol=1e-3)


@given(LABELS, st.floats(0, 4))
def test_bands_divide_the_pixels(label, middle):
    near, far = within_band(label, 0, middle), within_band(label, middle, np.inf)
    assert near.dtype == label.dtype
    counted = (near != 255).astype(int) + (far != 255)
    np.testing.assert_array_equal(counted, label != 255)
    np.testing.assert_array_equal(np.where(near == 255, far, near), label)
