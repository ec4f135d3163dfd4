"""Size of gradients."""

import pytest
import torch
from torch import nn

from mmseg.uda.gradients import collect_gradients, gradient_norm


def test_norm_over_all_tensors_and_of_what_was_gained():
    network = nn.Linear(2, 1)
    network.weight.grad = torch.tensor([[3.0, 0.0]])
    before = collect_gradients(network)
    assert gradient_norm(before).item() == pytest.approx(3.0)
    network.weight.grad += torch.tensor([[0.0, 4.0]])
    network.bias.grad = torch.tensor([3.0])
    after = collect_gradients(network)
    assert gradient_norm(after).item() == pytest.approx(34**0.5)
    assert gradient_norm(after, before).item() == pytest.approx(5.0)
