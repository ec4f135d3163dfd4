"""Size of gradients."""

import pytest
import torch
from torch import nn

from mmseg.uda.gradients import gradient_norm


def test_norm_over_all_tensors_of_the_gradient_of_a_sum():
    network = nn.Linear(2, 1)
    network.weight.grad = torch.ones(1, 2)
    first, second = (network(torch.tensor([x])).sum() for x in ((3.0, 0.0), (0.0, 4.0)))
    assert gradient_norm(first, network).item() == pytest.approx(10**0.5)
    assert gradient_norm(first + second, network).item() == pytest.approx((9 + 16 + 4) ** 0.5)
    assert torch.equal(network.weight.grad, torch.ones(1, 2))
    assert network.bias.grad is None


def test_what_a_loss_does_not_reach_counts_as_zero():
    network = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])
    loss = network[0](torch.tensor([3.0, 0.0])).sum()
    assert gradient_norm(loss, network).item() == pytest.approx(10**0.5)
