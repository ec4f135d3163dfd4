"""SegFormerAdapter: feeds MiT features to heads that expect ResNet strides.

Source: docs/methods/encoders.md#segformeradapter.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.models.levels import Levels
from mmseg.options import AtLeastOne, Count, Several
from mmseg.registry import MODELS


@MODELS.register_module()
class SegFormerAdapter(nn.Module):
    """Replace the last feature map by up-sampled, concatenated levels. No parameters.

    Args:
        out_layers: levels to take.
        scales: factor by which each is up-sampled (bilinear); 1 leaves it unchanged.
    """

    def __init__(self, out_layers: Several[Count] = (3,), scales: Several[AtLeastOne] = (4,)) -> None:
        super().__init__()
        self.out_layers = tuple(out_layers)
        self.scales = tuple(scales)

    def levels(self, levels: Levels) -> Levels:
        """The maps after it, of those before it."""
        channels = sum(levels.channels[layer] for layer in self.out_layers)
        stride = levels.strides[self.out_layers[0]] // self.scales[0]
        return Levels((*levels.channels[:-1], channels), (*levels.strides[:-1], stride))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Feature list -> list of the same length whose last map is (B, sum of channels, scale*h, scale*w)."""
        chosen = []
        for layer, scale in zip(self.out_layers, self.scales, strict=True):
            x = features[layer].contiguous()
            if scale != 1:
                x = F.interpolate(x, scale_factor=scale, mode='bilinear', align_corners=False)
            chosen.append(x)
        return [*features[:-1], torch.cat(chosen, dim=1)]
