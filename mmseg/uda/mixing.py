"""ClassMix: half of the classes of a source batch are pasted onto target images.

Source: docs/methods/self-training.md#class-mixing.

Everything stays on the device: which classes a batch holds is never read back.
"""

import torch
from torch import Tensor

LABEL_VALUES = 256
"""Labels are bytes: 0..254 are classes, 255 is 'ignore'."""


def present_values(labels: Tensor) -> Tensor:
    """Bool (256,): which values occur anywhere in ``labels`` (int64, values 0..255)."""
    present = torch.zeros(LABEL_VALUES, dtype=torch.bool, device=labels.device)
    return present.scatter_(0, labels.flatten(), True)


def choose_half(present: Tensor, scores: Tensor) -> Tensor:
    """Choose ceil(n / 2) of the n present values for each image, those with the lowest scores.

    With independent uniform scores this is a draw without replacement.

    Args:
        present: bool (256,).
        scores: (B, 256), finite.

    Returns:
        Bool (B, 256).
    """
    # Stable, so that equal scores are decided alike on every device.
    order = scores.masked_fill(~present, torch.inf).argsort(dim=1, stable=True)
    rank = order.argsort(dim=1)
    return rank < (present.sum() + 1) // 2


def class_mask(labels: Tensor, chosen: Tensor) -> Tensor:
    """Where an image shows one of its chosen values.

    Args:
        labels: int64 (B, 1, H, W), values 0..255.
        chosen: bool (B, 256), :func:`choose_half`.

    Returns:
        Bool (B, 1, H, W).
    """
    return chosen.gather(1, labels.flatten(1)).view_as(labels)


def mix(mask: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """Source where ``mask`` (bool (B, 1, H, W)), target elsewhere; both (B, K, H, W) or broadcastable."""
    return torch.where(mask, source, target)
