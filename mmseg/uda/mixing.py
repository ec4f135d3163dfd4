"""ClassMix: half of the classes of a source batch are pasted onto target images.

Source: docs/methods/self-training.md#class-mixing.

Everything stays on the device: which classes a batch holds is never read back.
"""

import torch
from torch import Tensor

from mmseg.errors import ConfigError
from mmseg.models.global_batch import of_all, own_rows
from mmseg.ranks import world_size

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


def half_of_each(source: Tensor, target: Tensor) -> Tensor:
    """This process's part of a masked batch of both domains: the first half of either, of all processes.

    Published: 1 of a batch of 2.
    """
    count = len(source) * world_size()
    if count % 2:
        raise ConfigError(
            f"uda.mask_mode 'separate' masks half a batch of each domain, but the batch has {count} images; expected "
            'an even number (data.samples_per_gpu times the number of processes).'
        )
    both = torch.cat([of_all(source)[: count // 2], of_all(target)[: count // 2]])
    return both[own_rows(len(source))]
