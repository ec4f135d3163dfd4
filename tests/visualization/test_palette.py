"""Colours of label maps."""

import numpy as np

from mmseg.visualization.palette import colourise, overlay

PALETTE = [(128, 64, 128), (244, 35, 232), (70, 70, 70)]


def test_each_class_gets_its_colour_and_ignored_pixels_are_black():
    label = np.array([[0, 1], [2, 255]])
    painted = colourise(label, PALETTE)
    assert painted.dtype == np.uint8
    assert painted.tolist() == [[[128, 64, 128], [244, 35, 232]], [[70, 70, 70], [0, 0, 0]]]


def test_overlay_runs_from_picture_to_colours():
    image = np.full((2, 3, 3), 200, np.uint8)
    colours = np.full((2, 3, 3), 101, np.uint8)
    assert (overlay(image, colours, 0.0) == image).all()
    assert (overlay(image, colours, 1.0) == colours).all()
    assert (overlay(image, colours, 0.5) == 150).all()
