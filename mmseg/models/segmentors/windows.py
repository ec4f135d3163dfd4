"""Sliding windows as pure functions (docs/methods/segmentor.md#inference)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmseg.models.detail_crop import Box


def intervals(length: int, crop: int, stride: int) -> list[tuple[int, int]]:
    """Windows of one axis, [start, end), covering [0, length).

    Window k starts at k * stride; one that passes the border is moved back so that it keeps its size. An axis
    shorter than ``crop`` is one window of its own length.
    """
    count = max(length - crop + stride - 1, 0) // stride + 1
    ends = [min(k * stride + crop, length) for k in range(count)]
    return [(max(end - crop, 0), end) for end in ends]


def window_boxes(size: Sequence[int], crop: Sequence[int], stride: Sequence[int]) -> list[Box]:
    """Boxes of all windows in row-major order; arguments are (height, width) pairs."""
    rows = intervals(size[0], crop[0], stride[0])
    columns = intervals(size[1], crop[1], stride[1])
    return [(y1, y2, x1, x2) for y1, y2 in rows for x1, x2 in columns]


def cut_windows(x: Tensor, boxes: Sequence[Box]) -> Tensor:
    """Stack the windows of (B, C, H, W) along the batch, window-major: (len(boxes) * B, C, h, w)."""
    return torch.cat([x[:, :, y1:y2, x1:x2] for y1, y2, x1, x2 in boxes])


def merge_windows(windows: Sequence[Tensor], boxes: Sequence[Box], size: Sequence[int]) -> Tensor:
    """Average overlapping windows: each (B, C, h, w) of its box -> (B, C, *size).

    The boxes must cover the whole area.
    """
    first = windows[0]
    total = first.new_zeros(first.shape[0], first.shape[1], size[0], size[1])
    count = torch.zeros(size[0], size[1], dtype=first.dtype)
    for window, (y1, y2, x1, x2) in zip(windows, boxes, strict=True):
        total[:, :, y1:y2, x1:x2] += window
        count[y1:y2, x1:x2] += 1
    return total.div_(count.to(first.device, non_blocking=True))
