"""Panels of debug pictures."""

import numpy as np

from mmseg.visualization.panels import MARGIN, SIDE, TITLE_HEIGHT, draw_panels


def test_each_panel_has_its_square_with_title_and_picture() -> None:
    red = np.zeros((4, 8, 3), np.uint8)
    red[..., 0] = 255
    grey = np.full((8, 4), 0.5)
    figure = np.asarray(draw_panels([[('one', red)], [('two', red), ('three', grey)]], 3))
    assert figure.shape == (2 * SIDE, 3 * SIDE, 3)
    middle = SIDE // 2 + TITLE_HEIGHT // 2
    assert figure[middle, SIDE // 2].tolist() == [255, 0, 0]
    assert figure[SIDE + middle, SIDE + SIDE // 2].tolist() == [128, 128, 128]
    wide, high = (figure[:SIDE, :SIDE] == [255, 0, 0]).all(axis=2), (figure == 128).all(axis=2)
    assert wide.sum() == (SIDE - 2 * MARGIN) * ((SIDE - 2 * MARGIN) // 2)
    assert high.any(axis=1).sum() == SIDE - TITLE_HEIGHT - MARGIN
    assert (figure[:TITLE_HEIGHT, :SIDE] < 100).any()
    assert (figure[:SIDE, SIDE:] == 255).all()


def test_shades_are_clipped() -> None:
    figure = np.asarray(draw_panels([[('', np.array([[-1.0, 2.0]]))]], 1))
    assert set(np.unique(figure)) == {0, 255}
