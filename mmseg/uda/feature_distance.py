"""ImageNet feature distance on thing classes (Hoyer et al., CVPR 2022, section 3.3).

Source: docs/methods/self-training.md#imagenet-feature-distance.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.models.detail_crop import crop
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.models.segmentors.outputs import SegmentorOutput, View
from mmseg.options import Amount, NoOptions, Share
from mmseg.registry import MODELS, PARTS
from mmseg.uda.part import Contribution, Part, Step
from mmseg.uda.pictures import Arrays, Panel, Rows
from mmseg.uda.pseudo_label import mean_where

if TYPE_CHECKING:
    from mmseg.uda.adaptation import Adaptation

IGNORE = 255


@dataclass(frozen=True)
class Distance:
    """A feature distance and what it was measured on.

    Attributes:
        value: scalar; 0, with zero gradient, if no position takes part.
        mask: bool (B, 1, h, w) of the positions that take part, None if all do.
        label: int64 (B, 1, h, w), the label on the feature grid, None if all positions take part.
    """

    value: Tensor
    mask: Tensor | None = None
    label: Tensor | None = None


def downscale_label_ratio(
    label: Tensor, scale_factor: int, min_ratio: float, num_classes: int, ignore_index: int = IGNORE
) -> Tensor:
    """The dominant class of each cell of ``scale_factor`` x ``scale_factor`` pixels.

    Of equal shares the lower class wins, 'ignore' last. Cells without a class of at least ``min_ratio`` are
    ignored, as are remaining rows and columns on the right and at the bottom.

    Args:
        label: int64 (B, 1, H, W), values 0..num_classes - 1 and ``ignore_index``.
        scale_factor: cell size in pixels, above 1.
        min_ratio: share in [0, 1].

    Returns:
        int64 (B, 1, H // scale_factor, W // scale_factor).
    """
    if scale_factor <= 1:
        raise ValueError(f'scale_factor must be above 1, found {scale_factor}')
    batch, _, height, width = label.shape
    rows, columns = height // scale_factor, width // scale_factor
    cut = label[:, 0, : rows * scale_factor, : columns * scale_factor]
    cells = cut.reshape(batch, rows, scale_factor, columns, scale_factor).transpose(2, 3).flatten(3)
    # One comparison a class keeps the temporary at a byte a pixel, not a float for each pixel and class.
    values = [*range(num_classes), ignore_index]
    counts = torch.stack([(cells == value).sum(dim=-1) for value in values], dim=1)
    most, winner = counts.max(dim=1, keepdim=True)
    share = most.float() / scale_factor**2
    return winner.masked_fill((winner == num_classes) | (share < min_ratio), ignore_index)


def cut_or_fill(label: Tensor, size: Sequence[int]) -> Tensor:
    """The label (B, 1, H, W) at (height, width): cut on the right and at the bottom, or filled with 'ignore'."""
    height, width = label.shape[2:]
    missing = (0, max(size[1] - width, 0), 0, max(size[0] - height, 0))
    filled = F.pad(label, missing, value=IGNORE) if any(missing) else label
    return filled[:, :, : size[0], : size[1]]


def in_classes(label: Tensor, classes: Sequence[int]) -> Tensor:
    """Bool tensor of the label's shape: is it one of ``classes``?"""
    wanted = torch.zeros_like(label, dtype=torch.bool)
    for value in classes:
        wanted |= label == value
    return wanted


def masked_distance(features: Tensor, frozen: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean, over the masked positions of the whole batch, of the Euclidean distance between feature vectors.

    Args:
        features: (B, D, h, w), with gradient.
        frozen: (B, D, h, w), without.
        mask: bool (B, 1, h, w), or None for all positions.

    Returns:
        Float32 scalar; 0 with a gradient of 0 for an empty mask (published: NaN with that gradient). Boolean indexing
        would cost a synchronisation.
    """
    distance = torch.linalg.vector_norm(features.float() - frozen.float(), dim=1, keepdim=True)
    if mask is None:
        return distance.mean()
    return mean_where(mask, distance)


def feature_distance(
    features: Tensor,
    frozen: Tensor,
    label: Tensor,
    classes: Sequence[int] | None,
    min_ratio: float,
    num_classes: int,
    stride: int,
) -> Distance:
    """Distance between student and frozen features of a labelled source batch.

    Args:
        features, frozen: (B, D, h, w).
        label: int64 (B, 1, H, W).
        classes: classes whose positions take part, None for all positions.
        min_ratio: share of a cell that its class must cover, in [0, 1].
        stride: pixels of the label per cell of the maps. Cells that reach beyond the label, since the encoder pads,
            see nothing there; pixels beyond the last cell are left out.
    """
    if classes is None:
        return Distance(masked_distance(features, frozen))
    fitted = cut_or_fill(label, (features.shape[2] * stride, features.shape[3] * stride))
    scaled = downscale_label_ratio(fitted, stride, min_ratio, num_classes)
    mask = in_classes(scaled, classes)
    return Distance(masked_distance(features, frozen, mask), mask, scaled)


@dataclass(frozen=True)
class DistanceOptions(NoOptions):
    """Options of :class:`FeatureDistance`.

    Attributes:
        weight: of the loss; published key ``imnet_feature_dist_lambda``, where 0 switches it off.
        classes: whose positions are compared, None for all positions.
        min_ratio: share of a feature cell that its class must cover.
    """

    weight: Amount = 0.005
    classes: Sequence[int] | None = None
    min_ratio: Share | None = None

    def conflicts(self) -> list[str]:
        """Classes need a share."""
        if self.classes is None or self.min_ratio is not None:
            return []
        return [
            'min_ratio: missing; with classes it must say what share of a feature cell a class has to cover '
            '(published: 0.75).'
        ]


@PARTS.register_module()
class FeatureDistance(Part):
    """Keeps the encoder close to its ImageNet features on source images."""

    Options = DistanceOptions
    gradient_name = 'Fdist Grad.'
    options: DistanceOptions

    def __init__(self, options: DistanceOptions, host: 'Adaptation') -> None:
        super().__init__(options, host)
        self.frozen: EncoderDecoder = MODELS.build(copy.deepcopy(host.model_cfg))
        self.frozen.requires_grad_(False)

    def modules(self) -> dict[str, nn.Module]:
        """The network of ImageNet features."""
        return {'imnet_model': self.frozen}

    def init_weights(self) -> None:
        """Load its pretrained weights."""
        self.frozen.init_weights()

    def constants(self) -> list[nn.Module]:
        """The network of ImageNet features."""
        return [self.frozen]

    def after_mode(self) -> None:
        """It is always in evaluation mode."""
        self.frozen.eval()

    def source(self, step: Step, output: SegmentorOutput) -> Contribution:
        """The distance on the source images."""
        found = self.distance(step.batch['img'], step.batch['gt_semantic_seg'], output.views)
        loss = {'src.loss_imnet_feat_dist': self.options.weight * found.value}
        seen = {'distance_mask': found.mask, 'distance_label': found.label}
        return Contribution(loss, seen=lambda: seen)

    def distance(self, image: Tensor, label: Tensor, views: Sequence[View]) -> Distance:
        """Distance of the student's deepest features to those of the frozen network.

        Source: docs/methods/self-training.md#imagenet-feature-distance.

        The distances of several views of one image (``model.feature_scale = 'all'``) are summed; mask and label
        are those of the first.
        """
        with torch.no_grad():
            frozen = self.frozen.extract_views(image, [view.box for view in views])
        parts = [
            feature_distance(
                view.features[-1],
                features[-1],
                label if view.box is None else crop(label, view.box),
                self.options.classes,
                self.options.min_ratio or 0.0,
                self.host.student.num_classes,
                view.stride,
            )
            for view, features in zip(views, frozen, strict=True)
        ]
        return replace(parts[0], value=torch.stack([part.value for part in parts]).sum())

    def panels(self, groups: Mapping[str, Arrays], j: int) -> Rows:
        """Which positions take part, and their classes."""
        source: dict[str, Any] = groups.get('source', {})
        if 'distance_mask' not in source:
            return []
        mask, label = source['distance_mask'][j, 0], source['distance_label'][j]
        return [
            [Panel('FDist Mask', 'shade', mask.astype('float32'))],
            [Panel('Scaled GT', 'classes', label)],
        ]
