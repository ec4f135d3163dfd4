"""The legend names what is shown and leaves the picture alone."""

import numpy as np
import pytest

from mmseg.toolbox.reports.legend import with_legend

NAMES = ('road', 'sky', 'a class with a long name')
COLOURS = [[128, 64, 128], [70, 130, 180], [250, 1, 2]]


@pytest.mark.parametrize('width', [8, 120, 1000])
def test_picture_stays_and_colours_are_below(width: int) -> None:
    picture = np.full((20, width, 3), 9, np.uint8)
    drawn = with_legend(picture, NAMES, COLOURS)
    assert drawn.shape[1:] == (width, 3)
    assert np.array_equal(drawn[:20], picture)
    if width > 8:
        found = {tuple(colour) for colour in drawn[20:].reshape(-1, 3).tolist()}
        assert {tuple(colour) for colour in COLOURS} < found


def test_only_what_is_shown() -> None:
    drawn = with_legend(np.zeros((4, 200, 3), np.uint8), NAMES, COLOURS, shown=[1, 255])
    assert (drawn[4:] == COLOURS[1]).all(-1).any()
    assert not (drawn[4:] == COLOURS[0]).all(-1).any()


def test_height_depends_on_width_only() -> None:
    heights = {with_legend(np.full((4, 90, 3), v, np.uint8), NAMES, COLOURS).shape[0] for v in (0, 255)}
    assert len(heights) == 1
