"""Small functions shared by networks: resizing and the views between token lists and maps."""

import torch.nn.functional as F
from torch import Tensor


def resize(x: Tensor, size: tuple[int, int], align_corners: bool = False) -> Tensor:
    """Bilinear resize of (B, C, h, w) to (B, C, *size); ``x`` itself when it has that size already."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return F.interpolate(x, size=size, mode='bilinear', align_corners=align_corners)


def tokens_of(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H*W, C); no copy when ``x`` is stored channels-last."""
    return x.flatten(2).transpose(1, 2)


def map_of(tokens: Tensor, height: int, width: int) -> Tensor:
    """(B, H*W, C) -> (B, C, H, W), a channels-last view without a copy."""
    batch, _, channels = tokens.shape
    return tokens.view(batch, height, width, channels).permute(0, 3, 1, 2)
