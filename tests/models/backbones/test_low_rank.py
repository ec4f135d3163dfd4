"""Low-rank adapters: what learns, what they add, folding."""

import pytest
import torch
from torch import nn

from mmseg.errors import ConfigError
from mmseg.models.backbones.low_rank import LowRank, LowRankOptions, add_low_rank, folded, plain_keys


class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn = nn.ModuleDict({'qkv': nn.Linear(6, 18), 'proj': nn.Linear(6, 6)})
        self.fc1 = nn.Linear(6, 4)


def test_nothing_changes_at_the_start_and_only_adapters_learn():
    network, x = Layers(), torch.randn(3, 6)
    want = network.attn['qkv'](x)
    add_low_rank(network, LowRankOptions(2))
    assert torch.equal(network.attn['qkv'](x), want)
    assert [key for key, p in network.named_parameters() if p.requires_grad] == [
        'attn.qkv.parametrizations.weight.0.down',
        'attn.qkv.parametrizations.weight.0.up',
    ]


def test_the_product_is_added_with_its_scale():
    adapter = LowRank(3, 5, rank=2, alpha=6)
    nn.init.normal_(adapter.up)
    weight = torch.randn(3, 5)
    torch.testing.assert_close(adapter(weight), weight + 3 * adapter.up @ adapter.down)


def test_folding_keeps_the_result_and_gives_the_plain_keys():
    network, x = Layers(), torch.randn(3, 6)
    keys = set(network.state_dict())
    add_low_rank(network, LowRankOptions(2, alpha=1, targets=['attn.proj', 'fc1']))
    nn.init.normal_(network.fc1.parametrizations.weight[0].up)
    want = network.fc1(x)
    assert set(plain_keys(network.state_dict())) == keys
    torch.testing.assert_close(folded(network).fc1(x), want)
    assert set(network.state_dict()) == keys


def test_layers_that_there_are_not_are_an_error_with_those_that_there_are():
    with pytest.raises(ConfigError, match=r"targets is \['query'\].*fc1, proj, qkv"):
        add_low_rank(Layers(), LowRankOptions(2, targets=['query']))
