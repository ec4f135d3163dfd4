"""ResNeXt: grouped convolutions, plain stem."""

import torch

from mmseg.registry import MODELS


def test_blocks_are_wider_and_grouped() -> None:
    network = MODELS.build({'type': 'ResNeXt', 'depth': 50})
    conv = network.get_submodule('layer1.0').conv2
    assert (conv.in_channels, conv.groups, tuple(conv.weight.shape)) == (128, 32, (128, 4, 3, 3))
    assert network.conv1.kernel_size == (7, 7)


def test_groups_and_width_are_options() -> None:
    options = {'groups': 2, 'base_width': 32, 'base_channels': 8, 'stem_channels': 8}
    network = MODELS.build({'type': 'ResNeXt', 'depth': 50, **options})
    conv = network.get_submodule('layer2.0').conv2
    assert (conv.in_channels, conv.groups) == (16, 2)
    assert network(torch.randn(2, 3, 32, 32))[1].shape == (2, 64, 4, 4)
