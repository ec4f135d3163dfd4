"""Maps of both scales in one pass."""

import pytest
import torch

from mmseg.models.segmentors.scale_maps import predict_scale_maps
from tests.models.segmentors.test_hrda import build

SLIDE = {'mode': 'slide', 'crop_size': (64, 64), 'stride': (32, 32), 'batched_slide': True}


@pytest.mark.parametrize('test_cfg', [{'mode': 'whole'}, SLIDE])
def test_maps_are_those_of_the_scales_alone(test_cfg):
    torch.manual_seed(1)
    img = torch.randn(1, 3, 64, 96)
    network = build(test_cfg=test_cfg).eval()
    maps = predict_scale_maps(network, img, (64, 96))
    meta = {'ori_shape': (64, 96, 3)}
    assert torch.equal(maps.fused[0], torch.from_numpy(network.simple_test(img, [meta])[0]))
    network.decode_head.debug_output_attention = True
    with torch.inference_mode():
        torch.testing.assert_close(maps.attention, network.predict_logits(img, (64, 96))[:, 0])
    network.decode_head.debug_output_attention = False
    network.decode_head.scale_attention = None
    for fixed, alone in ((0.0, maps.context), (1.0, maps.detail)):
        network.decode_head.fixed_attention = fixed
        want = torch.from_numpy(network.simple_test(img, [meta])[0])
        assert (alone[0] == want).float().mean() > 0.999


def test_maps_have_the_size_that_is_asked_for():
    maps = predict_scale_maps(build().eval(), torch.randn(2, 3, 64, 64), (50, 70))
    assert all(values.shape == (2, 50, 70) for values in vars(maps).values())
    assert maps.attention.min() >= 0
    assert maps.attention.max() <= 1
