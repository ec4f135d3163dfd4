"""ISA head."""

import torch

from mmseg.registry import MODELS
from tests.models.tiny import CLASSES, head_on_last


def test_attention_and_its_input_are_joined(features) -> None:
    cfg = head_on_last('ISAHead', in_channels=32, in_index=0, isa_channels=6, down_factor=(4, 4))
    head = MODELS.build(cfg).eval()
    assert head(features).shape == (2, CLASSES, 8, 8)
    x = head.in_conv(features[0])
    torch.nn.init.zeros_(head.local_relation.output_project.conv.weight)
    empty = torch.zeros_like(x)
    torch.testing.assert_close(head.embed(features), head.out_conv(torch.cat([empty, x], dim=1)))


def test_projections_are_stacked() -> None:
    keys = MODELS.build(head_on_last('ISAHead', isa_channels=6)).state_dict()
    assert tuple(keys['global_relation.key_project.1.conv.weight'].shape) == (6, 6, 1, 1)
