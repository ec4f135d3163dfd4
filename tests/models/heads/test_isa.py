"""Interlaced attention."""

import torch

from mmseg.models.heads.isa import ISALayer, RelationBlock


def test_relation_block_is_scaled_attention() -> None:
    block = RelationBlock(3, 4, 1, None, {'type': 'ReLU'}).eval()
    x = torch.randn(2, 3, 2, 5)
    query, key, value = (
        project(x).flatten(2) for project in (block.query_project, block.key_project, block.value_project)
    )
    attention = (query.transpose(1, 2) @ key * 4**-0.5).softmax(dim=-1)
    context = (attention @ value.transpose(1, 2)).transpose(1, 2).view(2, 3, 2, 5)
    torch.testing.assert_close(block(x), block.output_project(context))


def test_isa_pads_any_size() -> None:
    layer = ISALayer(3, 4, isa_channels=2, down_factor=(4, 4))
    for size in ((4, 4), (5, 7), (1, 9)):
        assert layer(torch.randn(1, 3, *size)).shape == (1, 4, *size)
