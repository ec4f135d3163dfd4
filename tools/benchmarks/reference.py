"""Straightforward formulations, written from docs/methods alone: what the fast code is compared with.

They are correct and plain: one tensor at a time, full kernels, one pass per class, values read back to the host.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn


def attention(query: Tensor, key: Tensor, value: Tensor, dropout_p: float = 0.0) -> Tensor:
    """Softmax attention with the matrix of weights in memory; all (B, heads, N, C).

    Source: docs/methods/encoders.md#mit-structure.
    """
    weights = (query @ key.transpose(-2, -1)) * query.shape[-1] ** -0.5
    return F.dropout(weights.softmax(dim=-1), dropout_p) @ value


@torch.no_grad()
def update_teacher(teacher: nn.Module, student: nn.Module, iteration: int, alpha: float) -> None:
    """Average parameter by parameter (docs/methods/self-training.md#mean-teacher)."""
    keep = min(1 - 1 / (iteration + 1), alpha) if iteration else 0.0
    for averaged, current in zip(teacher.parameters(), student.parameters(), strict=True):
        averaged.copy_(keep * averaged + (1 - keep) * current)


def blur(images: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Full two-dimensional Gaussian kernel, image by image (docs/methods/self-training.md#strong-augmentation)."""
    blurred = []
    for image, sigma in zip(images, sigmas, strict=True):
        profiles = [_gaussian(length, sigma, image.device) for length in image.shape[1:]]
        kernel = torch.outer(*profiles).expand(image.shape[0], 1, -1, -1)
        rows, columns = (len(profile) // 2 for profile in profiles)
        padded = F.pad(image[None], (columns, columns, rows, rows), mode='reflect')
        blurred.append(F.conv2d(padded, kernel, groups=image.shape[0])[0])
    return torch.stack(blurred)


def _gaussian(length: int, sigma: float, device: torch.device) -> Tensor:
    ceiling = math.ceil(0.1 * length)
    size = math.floor(ceiling - 0.5 + ceiling % 2)
    distance = torch.arange(size, device=device) - size // 2
    profile = torch.exp(-(distance**2) / (2 * sigma**2))
    return profile / profile.sum()


def mix_masks(labels: Tensor, chosen: Tensor) -> Tensor:
    """ClassMix masks, class by class; ``chosen`` bool (B, 256). Returns bool (B, 1, H, W).

    Source: docs/methods/self-training.md#class-mixing.
    """
    classes = torch.unique(labels).tolist()
    masks = []
    for label, selected in zip(labels, chosen.cpu(), strict=True):
        mask = torch.zeros_like(label, dtype=torch.bool)
        for value in classes:
            if selected[value]:
                mask |= label == value
        masks.append(mask)
    return torch.stack(masks)


def convert_label(path: str, target: str, table: dict[int, int]) -> dict[int, int]:
    """Train ids with one pass over the picture per class (docs/methods/conversion.md); returns the pixel counts."""
    raw = np.asarray(Image.open(path))
    converted = np.full(raw.shape, 255, np.uint8)
    counts = {}
    for raw_id, train_id in table.items():
        mask = raw == raw_id
        converted[mask] = train_id
        if mask.any():
            counts[train_id] = int(mask.sum())
    Image.fromarray(converted, mode='L').save(target, 'PNG')
    return counts


def optimizer(
    parameters: Iterable[tuple[str, nn.Parameter]], options: Callable[[str], dict[str, Any]], lr: float
) -> torch.optim.Optimizer:
    """AdamW with one group per parameter (docs/methods/optimisation.md#parameter-groups), stepped tensor by tensor."""
    groups = [{'params': [parameter], **options(name)} for name, parameter in parameters]
    return torch.optim.AdamW(groups, lr=lr, foreach=False)


def sample(paths: Sequence[str], steps: dict[str, dict[str, Any]], rng: Any) -> tuple[Tensor, Tensor | None]:
    """A training sample with one pass over the picture for each step (docs/methods/pipelines.md)."""
    picture = cv2.imread(paths[0], cv2.IMREAD_COLOR)
    label = cv2.imread(paths[1], cv2.IMREAD_UNCHANGED) if len(paths) > 1 else None
    scale, (rows, columns) = steps['Resize']['img_scale'], steps['RandomCrop']['crop_size']
    height, width = picture.shape[:2]
    factor = min(max(scale) / max(height, width), min(scale) / min(height, width))
    size = int(width * factor + 0.5), int(height * factor + 0.5)
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    top, left = (rng.integers(0, max(n - m, 0) + 1) for n, m in ((size[1], rows), (size[0], columns)))
    picture = picture[top : top + rows, left : left + columns]
    if label is not None:
        label = cv2.resize(label, size, interpolation=cv2.INTER_NEAREST)[
            top : top + rows, left : left + columns
        ]
    if rng.random() < 0.5:
        picture = np.flip(picture, 1)
        label = None if label is None else np.flip(label, 1)
    options = steps['Normalize']
    values = (picture[..., ::-1].astype(np.float32) - np.float32(options['mean'])) / np.float32(
        options['std']
    )
    image = torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))
    return image, None if label is None else torch.from_numpy(label.astype(np.int64))


def confusion(predicted: NDArray[np.int64], label: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """Pairs of true and predicted class, counted by one number for each pair (docs/methods/datasets.md#scores)."""
    counted = label != 255
    pairs = label[counted].astype(np.int64) * classes + predicted[counted]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
