"""Attention as grey levels; the programs around it are tested in tests/integration/test_hrda.py."""

import numpy as np
import torch
from torch import Tensor, nn

from mmseg.toolbox.testing.attention import AttentionNetwork, scale_maps
from tests.models.segmentors.test_hrda import build


class Half(nn.Module):
    """Attends half to the detail everywhere, fully in the first row."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.5))

    def predict_logits(self, img: Tensor, size: tuple[int, int]) -> Tensor:
        attention = self.scale * torch.ones(len(img), 1, *size)
        attention[:, :, 0] = 1.2  # rounding of resizes may pass 1
        return attention


def test_attention_becomes_grey_levels_of_the_original_size() -> None:
    network = AttentionNetwork(Half()).eval()  # type: ignore[arg-type]
    images, metas = torch.zeros(2, 3, 8, 8), [{'ori_shape': (4, 6, 3)}] * 2
    found = network.simple_test(images, metas)
    assert [picture.shape for picture in found] == [(4, 6)] * 2
    assert set(np.unique(found[0][0])) == {255}
    assert set(np.unique(found[0][1:])) == {128}
    assert np.array_equal(network.aug_test([images, images], [metas, metas])[1], found[1])
    assert len(list(network.parameters())) == 1


def test_maps_of_both_scales_have_the_size_asked_for() -> None:
    maps = scale_maps(build().eval(), torch.randn(1, 3, 64, 64), (50, 70))
    assert set(maps) == {'context', 'detail', 'fused', 'attention'}
    assert {values.shape for values in maps.values()} == {(50, 70)}
    assert 0 <= maps['attention'].min() <= maps['attention'].max() <= 1
