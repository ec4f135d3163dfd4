"""Sum of dilated classifiers."""

import pytest
import torch

from mmseg.registry import MODELS
from tests.models.tiny import dlv2_head


def test_branches_are_summed_and_start_small(features) -> None:
    head = MODELS.build(dlv2_head(dilations=(1, 2)))
    head.init_weights()
    for branch in head.aspp_modules:
        assert branch.conv.weight.std().item() == pytest.approx(0.01, rel=0.1)
        assert (branch.conv.bias == 0).all()
    torch.testing.assert_close(head(features), sum(branch(features[3]) for branch in head.aspp_modules))
