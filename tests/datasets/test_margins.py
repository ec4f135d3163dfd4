"""Margins where pseudo-labels do not count."""

import pytest

from mmseg.datasets.margins import margin_mask
from mmseg.errors import ConfigError


def test_margins_are_zero() -> None:
    mask = margin_mask([1, 2, 0, 3], (5, 4), 'CityscapesDataset')
    assert mask is not None
    assert mask.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert margin_mask(None, None, 'GTADataset') is None


@pytest.mark.parametrize(('margins', 'size'), [([1, 2, 3, 4], None), ([1, 2], (5, 4))])
def test_margins_need_a_known_size(margins: list[int], size: tuple[int, int] | None) -> None:
    with pytest.raises(ConfigError, match='given to GTADataset'):
        margin_mask(margins, size, 'GTADataset')
