"""Branches of the pyramid."""

import pytest
import torch
from torch import nn

from mmseg.models.heads.aspp import ASPPBlock


@pytest.mark.parametrize('sep, pool', [(True, False), (False, True)])
def test_branches(sep, pool) -> None:
    context = nn.Conv2d(6, 4, 1)
    block = ASPPBlock(6, 4, sep, (1, 2, 3), pool, None, {'type': 'ReLU'}, context)
    assert block.bottleneck.conv.in_channels == 4 * (3 + pool + 1)
    assert block(torch.randn(2, 6, 5, 7)).shape == (2, 4, 5, 7)
    names = {name.split('.')[0] for name in block.state_dict()}
    assert names == {'context_layer', 'aspp_modules', 'bottleneck'} | ({'image_pool'} if pool else set())
