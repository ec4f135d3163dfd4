"""Optimiser state divided among processes (with two of them: tests/integration/test_ranks.py)."""

import torch

from mmseg.engine.sharding import is_sharded, local_optimizer, sharded


def test_alone_an_optimiser_is_a_plain_one() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = sharded(torch.optim.AdamW, [{'params': [weight]}], lr=0.1, fused=True)
    assert type(optimizer) is torch.optim.AdamW
    assert not is_sharded(optimizer)
    assert local_optimizer(optimizer) is optimizer
    assert optimizer.defaults['fused']
