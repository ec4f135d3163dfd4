"""Self-training with a mean teacher and class mixing: the method 'DACS' (docs/methods/self-training.md).

DACS: Tranheden et al., WACV 2021, with the additions of DAFormer (Hoyer et al., CVPR 2022): weights of
pseudo-labels, feature distance to ImageNet. One iteration reads top to bottom in :meth:`DACS.loss_groups`;
its parts have their own modules. What the network does with an image (multi-resolution, windows) is the
network's business, which images come is the data set's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from mmseg.batch import Batch
from mmseg.errors import ConfigError
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.options import Share, problems
from mmseg.registry import MODELS
from mmseg.uda import asking
from mmseg.uda.adaptation import Adaptation
from mmseg.uda.augmentation import apply_strong, normalisation
from mmseg.uda.class_prior import PriorOptions
from mmseg.uda.draws import draw_strong
from mmseg.uda.labelling import Teacher
from mmseg.uda.mixing import class_mask, mix
from mmseg.uda.options import AdaptationOptions
from mmseg.uda.part import Part, Step
from mmseg.uda.pictures import Arrays, Layout, Rows, mixing_rows
from mmseg.uda.pseudo_label import mean_where
from mmseg.uda.trainable import LossGroup


@dataclass(frozen=True, kw_only=True)
class SelfTrainingOptions(AdaptationOptions):
    """Options of :class:`DACS`, besides those of :class:`AdaptationOptions`.

    Attributes:
        alpha: see there.
        mix: 'class', the only mixing there is.
        source_only: no teacher, no target images, no mixing: supervised training, with masking if that is on.
        imnet_feature_dist_scale_method: carried by published configurations, has no effect.
        class_prior: dict(shares, ...): class priors correct pseudo-labels (:mod:`mmseg.uda.class_prior`); None: off.
        pseudo_weight: 'batch': the published weight; 'pixel', 'class': :mod:`mmseg.uda.pixel_weight`.
        pseudo_flip: average the teacher over target images and their mirror images; published: no.
            A teacher that only masking uses has none of the three.
    """

    alpha: Share = 0.99
    mix: Literal['class'] = 'class'
    source_only: bool = False
    imnet_feature_dist_scale_method: str | None = None
    class_prior: Mapping[str, Any] | None = None
    pseudo_weight: Literal['batch', 'pixel', 'class'] = 'batch'
    pseudo_flip: bool = False

    def conflicts(self) -> list[str]:
        """Those of class priors, too."""
        prior = self.class_prior
        return super().conflicts() + (
            [] if prior is None else problems(PriorOptions, prior, 'class_prior.{}'.format)
        )


@MODELS.register_module()
class DACS(Adaptation):
    """Student and mean teacher; arguments: :class:`Adaptation` and :class:`SelfTrainingOptions`."""

    Options = SelfTrainingOptions
    PUBLISHED = ('InstanceConsistency', 'MaskedConsistency', 'FeatureDistance')
    options: SelfTrainingOptions

    @property
    def has_target(self) -> bool:
        """Unless only the source is trained on."""
        return not self.options.source_only

    @property
    def has_pseudo_labels(self) -> bool:
        """With a target."""
        return self.has_target

    def own_parts(self) -> list[Part]:
        """The teacher."""
        return [Teacher(self.options, self)] if self.has_target else []

    @property
    def teacher(self) -> EncoderDecoder | None:
        """The mean teacher's network."""
        part = self.part(Teacher)
        return None if part is None else part.network

    def loss_groups(self, batch: Batch) -> Iterator[LossGroup]:
        """Source (and feature distance), pseudo-label, mixed, masked.

        Args:
            batch: source and target batch of one size, see :class:`mmseg.batch.Batch`.
        """
        step = self.begin(batch)
        yield self.source_pass(step)
        teacher = self.part(Teacher)
        if teacher is not None:
            teacher.label(step)
            yield self._mixed_pass(step)
        yield from self.further_passes(step)

    def _mixed_pass(self, step: Step) -> LossGroup:
        """Source classes on the target, strongly augmented (docs/methods/self-training.md#one-iteration, step 7)."""
        batch, draws, pseudo, options = step.batch, step.draws, step.pseudo, self.options
        assert pseudo is not None
        source_label, target = batch['gt_semantic_seg'], batch['target_img']
        _check_sizes(batch['img'], target)
        mask = step.pasted = class_mask(source_label, draws.mix_classes(source_label))
        label = step.mixed_label = mix(mask, source_label, pseudo.label.unsqueeze(1))
        weight = step.mixed_weight = pseudo.weight.masked_fill(mask.squeeze(1), 1.0)
        image = mix(mask, batch['img'], target)
        strong = draw_strong(draws, len(image), options.jitter_strength, options.jitter_above, options.blur)
        image = apply_strong(image, strong, *normalisation(self.normalisation, image.device))
        output = self.student.forward_train(image, label, weight=weight, draws=draws)
        contributions = asking.contributions(self.parts, 'mixed', step, output)
        # Our own entry comes last, so that the published ones keep their order.
        own = {'mix.pseudo_weight': mean_where(~mask.squeeze(1), weight)}
        group = self.group(step, 'mixed', 'Mix. Grad.', output.prefixed('mix.'), contributions, own)
        shown: dict[str, Any] = {
            'img': image,
            'label': label,
            'weight': weight,
            'mask': mask,
            'target_img': target,
        }
        shown |= {'pseudo_label': pseudo.label, 'target_seen': pseudo.seen}
        group.seen = self.shown(lambda: asking.shown(contributions, 'mixed', {**shown, **output.seen()}))
        return group

    def layout(self) -> Layout | None:
        """Source, target, mixed, and panels of the parts."""
        if not self.has_target:
            return None
        scales = (('Source', 'source', False), ('Target', 'mixed', True), ('Mix', 'mixed', False))
        return Layout(('source', 'mixed'), 'class_mix_debug', 5, self._rows, scales)

    def _rows(self, groups: Mapping[str, Arrays], j: int) -> Rows:
        return self.with_parts(mixing_rows(groups, j), groups, j)


def _check_sizes(source: Tensor, target: Tensor) -> None:
    if source.shape != target.shape:
        sizes = [
            f'{len(images)} of {images.shape[2]} x {images.shape[3]} pixels' for images in (source, target)
        ]
        raise ConfigError(
            f'Source images ({sizes[0]}) and target images ({sizes[1]}) cannot be mixed; give both domains the same '
            'crop size (RandomCrop and Pad of data.train.source and data.train.target).'
        )
