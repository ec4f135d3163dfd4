"""UPerNet head."""

import torch

from mmseg.registry import MODELS
from tests.models.tiny import CLASSES


def build(**changes):
    cfg = {'type': 'UPerHead', 'in_channels': [32, 64, 160, 256], 'channels': 8, 'num_classes': CLASSES}
    return MODELS.build({**cfg, 'pool_scales': (1, 2), **changes}).eval()


def test_all_levels_reach_the_finest(features) -> None:
    head = build()
    before = head(features)
    assert before.shape == (2, CLASSES, 8, 8)
    for level in range(4):
        changed = [x + 1 if i == level else x for i, x in enumerate(features)]
        assert not torch.equal(head(changed), before)


def test_levels_receive_all_deeper_ones(features) -> None:
    head = build(in_channels=[32, 256], in_index=[0, 3])
    for name in ('lateral_convs.0', 'fpn_convs.0'):
        torch.nn.init.zeros_(head.get_submodule(name).conv.weight)
    deepest = head.bottleneck(head.psp_modules(features[3])).expand(2, 8, 8, 8)
    expected = head.fpn_bottleneck(torch.cat([torch.zeros_like(deepest), deepest], dim=1))
    torch.testing.assert_close(head.embed(features), expected)
