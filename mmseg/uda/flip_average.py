"""Pseudo-labels from a picture and its mirror image (VFM-UDA++, arXiv:2503.15202)."""

from collections.abc import Callable

from torch import Tensor


def flip_averaged(logits: Tensor, images: Tensor, predict: Callable[[Tensor], Tensor]) -> Tensor:
    """Logarithm of the mean of the probabilities of images and mirror images.

    Args:
        logits: what the network says about ``images``, (B, C, H, W).
        images: (B, 3, H, W).
        predict: the network, images to logits (B, C, H, W).

    Returns:
        Float32 (B, C, H, W); they are logits, too: their softmax is the mean.
    """
    mirrored = predict(images.flip(3)).flip(3)
    return ((logits.float().softmax(dim=1) + mirrored.float().softmax(dim=1)) / 2).clamp(min=1e-30).log()
