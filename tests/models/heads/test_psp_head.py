"""PSPNet head."""

from mmseg.registry import MODELS
from tests.models.tiny import CLASSES, NORM, head_on_last


def test_keeps_the_size_of_its_level(features) -> None:
    cfg = head_on_last('PSPHead', in_channels=32, in_index=0, pool_scales=(1, 2), norm_cfg=NORM)
    head = MODELS.build(cfg).eval()
    assert head(features).shape == (2, CLASSES, 8, 8)
    assert head.bottleneck.conv.in_channels == 32 + 2 * 8
