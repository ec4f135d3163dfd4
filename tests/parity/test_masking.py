"""The judge of block masks, on a size that the block does not divide."""

import pytest
import torch

from mmseg.uda.masking import block_mask
from tests.parity import recipe
from tests.parity.core import Check
from tests.parity.masking import check_block_mask


@pytest.mark.parametrize('shift', [0.0, 0.1])
def test_the_share_of_kept_pixels_is_counted_in_pixels(shift: float) -> None:
    entry = {
        'image': [2, 3, 70, 91],
        'block_size': 16,
        'ratio': 0.5,
        'draw_shape': [2, 1, 4, 6],
        'draw_uniform_seed': 5,
    }
    scores = recipe.uniform(5, entry['draw_shape'])
    mask = block_mask(scores, 0.5, (70, 91))
    assert mask.mean() != (scores > 0.5).float().mean()
    check = Check()
    entry['kept_fraction'] = float(mask.double().mean()) + shift
    check_block_mask(check, [entry], {'mask_0': mask.to(torch.uint8).numpy()})
    assert bool(check.problems) == bool(shift)
