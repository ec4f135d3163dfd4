"""What the loader hands to a method in each step."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypedDict, cast

import torch
from torch import Tensor

LABELS = 'gt_semantic_seg'

Meta = Mapping[str, Any]
"""Facts about a picture: ``filename``, ``ori_shape`` (H, W, ...), ``img_norm_cfg`` (``mean``, ``std`` in grey levels),
``flip`` and ``flip_direction`` ('horizontal' or 'vertical') ..."""


@dataclass(frozen=True)
class Normalisation:
    """What was taken from pictures and what they were divided by, in grey levels of R, G, B; by default ImageNet's."""

    mean: tuple[float, ...] = (123.675, 116.28, 103.53)
    std: tuple[float, ...] = (58.395, 57.12, 57.375)


class _Labelled(TypedDict):
    img: Tensor
    gt_semantic_seg: Tensor
    img_metas: list[Meta]


class Batch(_Labelled, total=False):
    """B labelled pictures, and in adaptation as many of the target.

    ``img`` float32 (B, 3, H, W) normalised; ``gt_semantic_seg`` (B, 1, H, W) with 255 = ignore, uint8 as it is loaded,
    int64 on the training device (:func:`on_device`); ``img_metas`` one a picture. Adaptation adds ``target_img`` and
    ``target_img_metas`` and, optionally, ``valid_pseudo_mask`` uint8 (B, 1, H, W). ``damaged``, where damaged samples
    are replaced: for each sample, what was wrong with those it stands for.
    """

    target_img: Tensor
    target_img_metas: list[Meta]
    valid_pseudo_mask: Tensor
    damaged: list[list[str]]


def on_device(batch: Batch, device: torch.device, channels_last: bool = False) -> Batch:
    """The batch with its tensors on a device: labels int64, images optionally in channels-last layout.

    Labels travel as bytes, an eighth of what they are then; entries that are no tensors stay. On a GPU the copy runs
    beside the step before, which the host is ahead of.
    """
    moved: dict[str, object] = dict(batch)
    # What is on the device already may still be in the making there.
    from_host = not any(isinstance(value, Tensor) and value.is_cuda for value in batch.values())
    with _beside(device if from_host else None) as tensors:
        for key, value in batch.items():
            if not isinstance(value, Tensor):
                continue
            layout = torch.channels_last if channels_last and value.ndim == 4 else torch.preserve_format
            value = value.to(device, non_blocking=True, memory_format=layout)
            moved[key] = value.long() if key == LABELS else value
            tensors += [value, moved[key]]
    return cast(Batch, moved)


@contextmanager
def _beside(device: torch.device | None) -> Iterator[list[Any]]:
    """Queue what is done in the block beside the work of a GPU; what is queued afterwards waits for it.

    Gives a list for the tensors made in the block, whose memory must not be used again before the work that follows is
    done with them.
    """
    tensors: list[Any] = []
    if device is None or device.type != 'cuda':
        yield tensors
        return
    stream, current = _copies(device), torch.cuda.current_stream(device)
    with torch.cuda.stream(stream):
        yield tensors
    current.wait_stream(stream)
    for tensor in tensors:
        tensor.record_stream(current)


@cache
def _copies(device: torch.device) -> torch.cuda.Stream:
    """The stream of a GPU that batches are copied in."""
    return torch.cuda.Stream(device)
