"""Feature distance to a frozen encoder of another make, on source and target images.

DAFormer keeps the encoder close to its own ImageNet features, on things of the source
(:mod:`mmseg.uda.feature_distance`). VFM-UDA++ (arXiv:2503.15202) keeps it close to the features of a larger foundation
model on both domains. The publication names the terms, not their form here: features are compared position by
position, after a projection where their channels differ.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg.errors import nearest
from mmseg.models.detail_crop import Box
from mmseg.models.layers import resize
from mmseg.models.levels import Levels, levels_of
from mmseg.models.precision import autocast
from mmseg.models.segmentors.outputs import SegmentorOutput
from mmseg.option_types import mismatches, parameters
from mmseg.options import Amount, NoOptions
from mmseg.registry import MODELS, PARTS
from mmseg.uda.feature_distance import masked_distance
from mmseg.uda.part import Contribution, Part, Step
from mmseg.uda.trainable import LossGroup

if TYPE_CHECKING:
    from mmseg.uda.adaptation import Adaptation


@dataclass(frozen=True)
class FrozenEncoderOptions(NoOptions):
    """Options of :class:`FrozenEncoderDistance`.

    Attributes:
        backbone: configuration of the frozen encoder; it gets the same normalised images as the student.
        weight: of the loss on each domain.
        domains: where it is measured. The target costs a pass of the student's encoder of its own.
        metric: 'cosine': 1 minus the cosine of the angle between two features; 'euclidean': their distance, as in
            DAFormer's feature distance.
    """

    backbone: Mapping[str, Any]
    weight: Amount = 1.0
    domains: Sequence[Literal['source', 'target']] = ('source', 'target')
    metric: Literal['cosine', 'euclidean'] = 'cosine'

    def conflicts(self) -> list[str]:
        """The encoder's keys and types."""
        component = MODELS.get(self.backbone.get('type'))
        if component is None:
            return [f'backbone.type: {MODELS.unknown(self.backbone.get("type"))}']
        allowed, required = parameters(component)
        given = {key: value for key, value in self.backbone.items() if key != 'type'}
        found = [
            f'backbone.{key}: unknown key{nearest(key, allowed)}.' for key in given if key not in allowed
        ]
        found += [f'backbone.{key}: {sentence}.' for key, sentence in mismatches(component, given)]
        return found + [f'backbone.{key}: missing.' for key in sorted(required - set(given))]


def distance(features: Tensor, frozen: Tensor, metric: str) -> Tensor:
    """Mean distance of features (B, D, h, w) over all positions, a float32 scalar."""
    if metric == 'cosine':
        return 1 - F.cosine_similarity(features.float(), frozen.float(), dim=1).mean()
    return masked_distance(features, frozen)


@PARTS.register_module()
class FrozenEncoderDistance(Part):
    """Keeps the student's deepest features close to those of a frozen encoder."""

    Options = FrozenEncoderOptions
    gradient_name = 'Frozen Grad.'
    options: FrozenEncoderOptions

    def __init__(self, options: FrozenEncoderOptions, host: 'Adaptation') -> None:
        super().__init__(options, host)
        self.frozen = MODELS.build(copy.deepcopy(dict(options.backbone)))
        self.frozen.requires_grad_(False)
        self.projection = _projection(host.student.levels, levels_of(self.frozen))
        self._boxes: list[Box | None] = [None]

    def modules(self) -> dict[str, nn.Module]:
        """The frozen encoder, and what brings the student's features to its channels, if they differ."""
        found = {'distance_encoder': self.frozen}
        return found if self.projection is None else {**found, 'distance_projection': self.projection}

    def init_weights(self) -> None:
        """Load its pretrained weights."""
        self.frozen.init_weights()

    def constants(self) -> list[nn.Module]:
        """The frozen encoder."""
        return [self.frozen]

    def after_mode(self) -> None:
        """It is always in evaluation mode."""
        self.frozen.eval()

    def source(self, step: Step, output: SegmentorOutput) -> Contribution:
        """The distance on the source images."""
        self._boxes = [view.box for view in output.views]  # the target is seen in the same views
        if 'source' not in self.options.domains:
            return Contribution({})
        features = [view.features[-1] for view in output.views]
        return Contribution({'src.loss_frozen_dist': self._loss(step.batch['img'], features)})

    def groups(self, step: Step) -> Iterator[LossGroup]:
        """The distance on the target images."""
        if 'target' in self.options.domains and self.host.has_target:
            images = step.batch['target_img']
            features = [maps[-1] for maps in self.host.student.extract_views(images, self._boxes)]
            yield LossGroup({'trg.loss_frozen_dist': self._loss(images, features)}, name='target_distance')

    def _loss(self, images: Tensor, features: Sequence[Tensor]) -> Tensor:
        """The weighted distance of the student's features of images (B, 3, H, W); those of several views are summed."""
        student = self.host.student
        with autocast(images, student.precision):
            with torch.no_grad():
                frozen = [self.frozen(view)[-1] for view in student.view_images(images, self._boxes)]
            own = [x if self.projection is None else self.projection(x) for x in features]
        pairs = zip(own, frozen, strict=True)
        terms = [distance(a, resize(b, (a.shape[2], a.shape[3])), self.options.metric) for a, b in pairs]
        return self.options.weight * torch.stack(terms).sum()


def _projection(own: Levels, frozen: Levels) -> nn.Conv2d | None:
    """A learned 1x1 convolution from the channels of the deepest map to those of another, if they differ."""
    if own.channels[-1] == frozen.channels[-1]:
        return None
    return nn.Conv2d(own.channels[-1], frozen.channels[-1], 1)
