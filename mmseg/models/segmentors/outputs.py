"""What segmentors take and return besides tensors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from mmseg.models.detail_crop import Box
from mmseg.models.terms import Terms

Seen = Callable[[], dict[str, Any]]
"""Makes what debug pictures show; pictures are rare, so nothing is made or kept for them before they are drawn."""


@dataclass
class View:
    """Features of what the encoder saw of an image.

    Attributes:
        features: maps, finest first.
        box: the part of the (scaled) image that was seen, None for all of it.
        stride: pixels of the image (not scaled) per cell of the deepest map.
    """

    features: list[Tensor]
    box: Box | None
    stride: int


@dataclass
class DetailEmbedding:
    """Embedding (B, D, h, w) of the detail crop ``box``, None for the whole image."""

    map: Tensor
    box: Box | None


@dataclass(kw_only=True)
class SegmentorOutput(Terms):
    """Result of a training pass: losses ('decode.loss_seg', ...), metrics ('decode.acc_seg', ...), and more.

    Attributes:
        views: features that a feature distance compares.
        logits: (B, num_classes, h, w) at the head's resolution.
        embedding: (B, D, h, w), what the head's dropout and classifier received; of the context image where there
            are two resolutions.
        seen: makes what debug pictures show besides image and label, detached.
        detail: embedding of the detail crop where there are two resolutions.
        auxiliary: logits of the auxiliary heads by log prefix ('aux', or 'aux_0', 'aux_1', ...).
    """

    views: list[View]
    logits: Tensor
    embedding: Tensor
    seen: Seen = dict
    detail: DetailEmbedding | None = None
    auxiliary: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class Prediction:
    """Logits of whole images, and what the classifier saw.

    Attributes:
        logits: float32 (B, num_classes, H, W).
        embedding: (B, D, h, w), see :class:`SegmentorOutput`.
        detail: the same of the whole detail image, (B, D, h', w'), if there is one and it was asked for.
        seen: makes what debug pictures show of it, detached.
    """

    logits: Tensor
    embedding: Tensor
    detail: Tensor | None = None
    seen: Seen = dict
