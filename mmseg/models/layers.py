"""Small functions shared by networks: resizing, token lists and maps, attention between positions."""

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


def attend_positions(query: Tensor, key: Tensor, value: Tensor, scale: float | None = None) -> Tensor:
    """Attention of every position of a map to every other.

    Args:
        query, key: (B, D, H, W).
        value: (B, C, H, W).
        scale: factor of the similarities; None: ``D ** -0.5``.

    Returns:
        (B, C, H, W), a channels-last view.
    """
    tokens = [tokens_of(x) for x in (query, key, value)]
    context = F.scaled_dot_product_attention(tokens[0], tokens[1], tokens[2], scale=scale)
    return map_of(context, value.shape[2], value.shape[3])
