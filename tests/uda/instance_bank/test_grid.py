"""Up-sampling and its transpose."""

import pytest
import torch

from mmseg.uda.instance_bank.grid import Grid


@pytest.mark.parametrize('fine', [(8, 12), (3, 4), (7, 10)])
@pytest.mark.parametrize('align_corners', [False, True])
def test_adjoint_is_the_transpose(fine, align_corners):
    grid = Grid((3, 4), fine, align_corners)
    x, y = torch.randn(2, 5, 3, 4).double(), torch.randn(2, 5, *fine).double()
    torch.testing.assert_close((grid.up(x) * y).sum(), (x * grid.adjoint(y)).sum())


@pytest.mark.parametrize('align_corners', [False, True])
def test_both_ways_of_computing_the_adjoint_agree(align_corners):
    grid = Grid((3, 4), (9, 10), align_corners)
    y = torch.randn(2, 5, 9, 10).double()
    rows, columns = (grid._weights(axis, y) for axis in (0, 1))
    torch.testing.assert_close(rows.T @ (y @ columns), grid.adjoint(y))
