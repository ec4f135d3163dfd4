"""Statistics of another domain in batch norms."""

import copy

import pytest
import torch
from torch import nn

from mmseg.errors import ConfigError, DataError
from mmseg.toolbox.batch_statistics import adapt_batch_norms


def small_network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).eval()


def test_statistics_are_the_mean_over_batches_and_nothing_else_changes() -> None:
    network = small_network()
    before = copy.deepcopy(network.state_dict())
    batches = [torch.randn(2, 3, 5, 6) * 3 + i for i in range(4)]
    assert adapt_batch_norms(network, batches, network) == (2, 4)
    after = network.state_dict()
    expected = torch.stack([images.mean(dim=(0, 2, 3)) for images in batches]).mean(dim=0)
    torch.testing.assert_close(after['0.running_mean'], expected)
    expected = torch.stack([images.var(dim=(0, 2, 3)) for images in batches]).mean(dim=0)
    torch.testing.assert_close(after['0.running_var'], expected)
    assert all(
        torch.equal(after[key], before[key]) for key in after if 'running' not in key and 'num' not in key
    )
    assert not any(module.training for module in network.modules())
    assert network[0].momentum == 0.1


def test_frozen_layers_keep_their_statistics() -> None:
    network = small_network()
    network[0].requires_grad_(False)
    before = network[0].running_mean.clone()
    assert adapt_batch_norms(network, [torch.randn(2, 3, 4, 4)], network) == (1, 1)
    assert torch.equal(network[0].running_mean, before)


def test_nothing_to_adapt_or_to_adapt_to_is_a_user_error_and_changes_nothing() -> None:
    with pytest.raises(ConfigError, match='no trained batch norms'):
        adapt_batch_norms(nn.Conv2d(3, 4, 1), [torch.zeros(1, 3, 4, 4)], lambda images: images)
    network = small_network()
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(DataError, match='no pictures'):
        adapt_batch_norms(network, [], network)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
