"""Pyramid pooling."""

import torch

from mmseg.models.heads.psp import PyramidPooling


def test_map_comes_first_and_branches_follow() -> None:
    pooling = PyramidPooling((1, 2), 3, 4, None, {'type': 'ReLU'}).eval()
    x = torch.randn(2, 3, 5, 7)
    out = pooling(x)
    assert out.shape == (2, pooling.out_channels, 5, 7)
    torch.testing.assert_close(out[:, :3], x)
    torch.testing.assert_close(out[:, 3:7], pooling[0](x).expand(2, 4, 5, 7))
    assert sorted({key.split('.conv')[0] for key in pooling.state_dict()}) == ['0.1', '1.1']
