"""Colour jitter and blur."""

import colorsys
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg.errors import ConfigError
from mmseg.uda.augmentation import (
    Jitter,
    JitterStrength,
    Strong,
    apply_strong,
    blur_kernel_size,
    color_jitter,
    denormalise,
    gaussian_blur,
    hsv_to_rgb,
    normalise,
    rgb_to_hsv,
)

MEAN = torch.tensor([123.675, 116.28, 103.53])
STD = torch.tensor([58.395, 57.12, 57.375])
unit = st.floats(0, 1, width=32)


def pixel(*rgb):
    return torch.tensor(rgb).view(1, 3, 1, 1)


def one(brightness=1.0, contrast=1.0, saturation=1.0, hue=0.0, order=(0, 1, 2, 3)):
    return Jitter([[brightness, contrast, saturation, hue]], [order])


@given(unit, unit, unit)
def test_hsv_agrees_with_the_standard_library(red, green, blue):
    hue, saturation, value = (float(x) for x in rgb_to_hsv(pixel(red, green, blue)))
    want = colorsys.rgb_to_hsv(red, green, blue)
    if max(red, green, blue) > 0.01:
        assert saturation == pytest.approx(want[1], abs=2e-4)
        if want[1] > 0.01:
            turn = hue / (2 * math.pi) - want[0]
            assert abs(turn - round(turn)) < 1e-4
    assert value == pytest.approx(want[2], abs=1e-6)


@given(st.floats(-7, 14), unit, unit)
def test_rgb_agrees_with_the_standard_library_whatever_the_turn_of_the_hue(hue, saturation, value):
    got = hsv_to_rgb(
        *(torch.tensor(x, dtype=torch.float64).view(1, 1, 1, 1) for x in (hue, saturation, value))
    )
    want = colorsys.hsv_to_rgb(hue / (2 * math.pi) % 1, saturation, value)
    assert got.flatten().tolist() == pytest.approx(want, abs=1e-6)


def test_brightness_is_added_and_contrast_multiplies_without_a_mean():
    image = pixel(0.2, 0.5, 0.9)
    brighter = color_jitter(image, one(brightness=1.15)).flatten().tolist()
    assert brighter == pytest.approx([0.35, 0.65, 1.0], abs=1e-5)
    flatter = color_jitter(image, one(contrast=0.5)).flatten().tolist()
    assert flatter == pytest.approx([0.1, 0.25, 0.45], abs=1e-5)


def test_grey_stays_grey_under_hue_and_saturation():
    grey = torch.full((1, 3, 2, 2), 0.4)
    torch.testing.assert_close(color_jitter(grey, one(saturation=1.2, hue=0.2)), grey)


def test_each_image_has_its_own_factors_and_order():
    images = torch.rand(3, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    factors = [[1.1, 0.9, 1.2, 0.1], [0.8, 1.2, 0.8, -0.2], [1.0, 1.1, 1.1, 0.05]]
    orders = [[0, 1, 2, 3], [3, 2, 1, 0], [0, 3, 1, 2]]
    together = color_jitter(images, Jitter(factors, orders))
    for i in range(3):
        alone = color_jitter(images[i : i + 1], Jitter([factors[i]], [orders[i]]))
        torch.testing.assert_close(together[i : i + 1], alone)


def test_normalisation_is_undone():
    images = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(
        normalise(denormalise(images, MEAN, STD), MEAN, STD), images, atol=1e-5, rtol=0
    )


def full_blur(image, sigma):
    """The definition: a full two-dimensional kernel, one image."""
    kernels = []
    for length in image.shape[-2:]:
        radius = blur_kernel_size(length) // 2
        distance = torch.arange(-radius, radius + 1, dtype=torch.float64)
        kernels.append(torch.exp(-(distance**2) / (2 * sigma**2)))
    kernel = torch.outer(*kernels)
    rows, columns = (size // 2 for size in kernel.shape)
    padded = F.pad(image.double(), (columns, columns, rows, rows), mode='reflect')
    weight = (kernel / kernel.sum()).expand(3, 1, -1, -1)
    return F.conv2d(padded, weight, groups=3).float()


@pytest.mark.parametrize('size', [(1, 1), (2, 3), (11, 19), (21, 20), (33, 128), (210, 41)])
def test_blur_equals_its_definition_at_any_size(size):
    images = torch.randn(3, 3, *size, generator=torch.Generator().manual_seed(1))
    sigmas = (0.15, 0.6, 1.15)
    blurred = gaussian_blur(images, sigmas)
    for i, sigma in enumerate(sigmas):
        torch.testing.assert_close(blurred[i : i + 1], full_blur(images[i : i + 1], sigma), atol=1e-6, rtol=0)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 80), st.integers(1, 80), st.floats(0.15, 1.15))
def test_blur_keeps_constant_images(height, width, sigma):
    images = torch.full((1, 2, height, width), 3.0)
    torch.testing.assert_close(gaussian_blur(images, [sigma]), images)


@given(st.integers(1, 5000))
def test_kernels_are_odd_and_reach_over_less_than_the_image(length):
    size = blur_kernel_size(length)
    assert size % 2 == 1
    assert size // 2 < max(length, 2)


def test_nothing_to_do_gives_the_images_back():
    images = torch.randn(1, 3, 4, 4)
    assert apply_strong(images, Strong(), MEAN, STD) is images


def test_jitter_comes_before_blur_and_the_input_is_left_alone():
    images = torch.randn(1, 3, 40, 40) * 0.4
    before = images.clone()
    jitter, sigmas = one(brightness=1.2, hue=0.1), (1.0,)
    got = apply_strong(images, Strong(jitter, sigmas), MEAN, STD)
    jittered = normalise(color_jitter(denormalise(images, MEAN, STD), jitter), MEAN, STD)
    torch.testing.assert_close(got, gaussian_blur(jittered, sigmas))
    torch.testing.assert_close(images, before, atol=0, rtol=0)


def test_strength_is_a_number_or_a_dict():
    assert JitterStrength.parse(0.2) == JitterStrength(0.2, 0.2, 0.2, 0.2)
    assert JitterStrength.parse({'hue': 0.1}) == JitterStrength(hue=0.1)


@pytest.mark.parametrize('value', [{'huge': 0.1}, -0.1, {'hue': 0.6}, 1.5])
def test_a_wrong_strength_is_an_error_that_lists_the_keys(value):
    with pytest.raises(ConfigError, match=r'color_jitter_strength.*brightness, contrast, saturation, hue'):
        JitterStrength.parse(value)
