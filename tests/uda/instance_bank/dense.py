"""The published formulation of the instance loss and of the bank's update.

Source: docs/methods/dida.md#one-training-step and #bank-update.

Everything at the size of the image, one map a row of the bank: slow and large, but plain. It is what the streamed
form is compared with.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

EPS = 1e-10


def up(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, corners not aligned."""
    return F.interpolate(x, size=size, mode='bilinear', align_corners=False)


def similarities(embedding: Tensor, features: Tensor) -> Tensor:
    """(B, D, H, W), (K, D) -> (B, K, H, W)."""
    return torch.einsum('bdhw,kd->bkhw', embedding, features)


def gathered(scores: Tensor, labels: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, K, H, W): each row's score is that of its class."""
    batch, _, height, width = scores.shape
    index = labels.view(1, -1, 1, 1).expand(batch, len(labels), height, width)
    return scores.gather(1, index)


def scattered(weights: Tensor, labels: Tensor, base: Tensor) -> Tensor:
    """(B, K, H, W) added to ``base`` (B, C, H, W) by class."""
    batch, _, height, width = weights.shape
    index = labels.view(1, -1, 1, 1).expand(batch, len(labels), height, width)
    return base.scatter_add(1, index, weights)


def published_loss(
    weak: Tensor,
    strong: Tensor,
    features: Tensor,
    labels: Tensor,
    scores: Tensor | None,
    size: tuple[int, int],
) -> Tensor:
    """Mean over pixels without the factor of the loss (docs/methods/dida.md#one-training-step, steps 10 to 19).

    Args:
        weak, strong: (B, D, h, w) of teacher and student.
        features, labels: the bank.
        scores: (B, C, H, W) that calibrate, or None.
        size: (H, W).
    """
    with torch.no_grad():
        weights = similarities(up(weak, size), features)
        if scores is not None:
            weights = weights * gathered(scores, labels)
        weights = weights / weights.sum(dim=1, keepdim=True)
    similar = similarities(up(strong, size), features)
    similar = similar / similar.sum(dim=1, keepdim=True)
    return -(weights * (similar + EPS).log()).sum(dim=1).mean()


def softmax_loss(
    weak: Tensor, strong: Tensor, features: Tensor, labels: Tensor, scores: Tensor | None, size: tuple[int, int],
    weight: Tensor, temperatures: tuple[float, float],
) -> Tensor:  # fmt: skip
    """The scheme of docs/methods/dida.md#the-scheme with the mean over weighted pixels; weight (B, 1, H, W)."""
    with torch.no_grad():
        weights = (similarities(up(weak, size), features) / temperatures[0]).softmax(dim=1)
        if scores is not None:
            weights = weights * gathered(scores, labels)
        weights = weights / weights.sum(dim=1, keepdim=True)
    similar = (similarities(up(strong, size), features) / temperatures[1]).log_softmax(dim=1)
    lost = -(weights * similar).sum(dim=1, keepdim=True)
    return (lost * weight).sum() / weight.sum()


def published_update(
    features: Tensor, labels: Tensor, embedding: Tensor, label: Tensor, num_classes: int, momentum: float
) -> Tensor:
    """The active update (docs/methods/dida.md#bank-update), pixel lists and all; ``embedding`` has the label's size."""
    means = torch.zeros(num_classes, features.shape[1], dtype=features.dtype)
    flat = embedding[0].flatten(1)
    for c in range(num_classes):
        places = torch.cat([(image.flatten() == c).nonzero().flatten() for image in label])
        if len(places):
            means[c] = flat[:, places].mean(dim=1)
    return momentum * features + (1 - momentum) * means[labels]
