"""The adapter replaces the last level by up-sampled, concatenated levels."""

import torch

from mmseg.models.necks import SegFormerAdapter


def test_last_level_is_upsampled_and_the_input_stays() -> None:
    features = [torch.randn(1, c, s, s) for c, s in ((2, 8), (3, 4), (4, 2), (5, 1))]
    before = list(features)
    out = SegFormerAdapter(scales=[8])(features)
    assert [tuple(x.shape) for x in out] == [(1, 2, 8, 8), (1, 3, 4, 4), (1, 4, 2, 2), (1, 5, 8, 8)]
    assert all(a is b for a, b in zip(features, before, strict=True))


def test_several_levels_are_concatenated() -> None:
    features = (torch.randn(1, 2, 8, 8), torch.randn(1, 3, 4, 4))
    out = SegFormerAdapter(out_layers=[0, 1], scales=[1, 2])(features)
    assert torch.equal(out[-1][:, :2], features[0])
    assert out[-1].shape == (1, 5, 8, 8)
