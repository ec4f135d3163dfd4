"""Self-training with a mean teacher and class mixing: the method 'DACS' (docs/methods/self-training.md).

DACS: Tranheden et al., WACV 2021, with the additions of DAFormer (Hoyer et al., CVPR 2022): weights of
pseudo-labels, feature distance to ImageNet. One iteration reads top to bottom in :meth:`DACS.loss_groups`;
its parts have their own modules. What the network does with an image (multi-resolution, windows) is the
network's business, which images come is the data set's.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.detail_crop import crop
from mmseg.models.draws import process_rank
from mmseg.models.dropout import set_dropout
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder, Prediction, View
from mmseg.models.trainable import Average, Batch, LossGroup, Trainable
from mmseg.registry import MODELS
from mmseg.uda.augmentation import JitterStrength, apply_strong, normalisation
from mmseg.uda.draws import Draws, DrawSource, StepDraws, draw_strong
from mmseg.uda.feature_distance import Distance, feature_distance
from mmseg.uda.gradients import gradient_norm
from mmseg.uda.instance_bank import build_instances
from mmseg.uda.labelling import Labelling
from mmseg.uda.masking import MaskOptions, build_masking
from mmseg.uda.mixing import class_mask
from mmseg.uda.mixing import mix as mix_where
from mmseg.uda.options import DistanceOptions, SelfTrainingOptions, mix_problems, raise_problems
from mmseg.uda.pseudo_label import PseudoLabel, mean_where
from mmseg.uda.teacher import MeanTeacher


@MODELS.register_module()
class DACS(Trainable):
    """Student, mean teacher and, for the feature distance, a frozen network of ImageNet features.

    Args:
        model: configuration of the segmentor; each of the networks is built from it.
        max_iters: length of the run; every adaptation method gets it, this one needs it for nothing.
        alpha: share of the old teacher kept in a step, in [0, 1].
        pseudo_threshold: probability from which a pseudo-label counts as confident, in [0, 1].
        pseudo_weight_ignore_top, pseudo_weight_ignore_bottom: rows of the target crop that get weight 0.
        imnet_feature_dist_lambda: weight of the feature distance; 0 switches it off, and the frozen network
            with it.
        imnet_feature_dist_classes: classes whose positions are compared, None for all positions.
        imnet_feature_dist_scale_min_ratio: share of a feature cell that its class must cover.
        imnet_feature_dist_scale_method: carried by published configurations, has no effect.
        mix: 'class', the only mixing there is.
        blur: whether mixed images are blurred (every second batch).
        color_jitter_strength: see :meth:`JitterStrength.parse`.
        color_jitter_probability: Quirk: probability of *no* jitter (docs/methods/self-training.md#strong-augmentation).
        debug_img_interval: draw debug pictures every so many iterations (:mod:`mmseg.uda.debug`).
        print_grad_magnitude: log the norm of the gradient that each part of the loss sends into the backbone: 'Seg.
            Grad.' (source), 'Fdist Grad.' (feature distance), 'Mix. Grad.' (mixed), 'Instance Grad.' (instance bank).
            Takes a backward pass more for each.
        source_only: no teacher, no target images, no mixing: supervised training, with masking if that is on.
        mask_mode: which images are masked in a pass of their own, one of :data:`mmseg.uda.masking.MODES`; None: off.
        mask_alpha: ``alpha`` of a teacher that only masking uses, 'same': as the host; 0: the current student.
        mask_pseudo_threshold: the same for ``pseudo_threshold``; None: all pseudo-labels have weight 1. Only if both
            are 'same', the host's pseudo-labels are shared.
        mask_lambda: weight of the masked loss. Quirk: it is 0 if not given.
        mask_generator: dict(type='block', mask_ratio, mask_block_size): the probability that a block is hidden and
            its side in pixels.
        mask_lambda_all: ``mask_lambda`` also scales the losses of single scales of multi-resolution networks
            (and of auxiliary heads). Quirk: published programs scale 'decode.loss_seg' only, hence the default.
        instance_bank: instance-level consistency (DIDA), see
            :class:`mmseg.uda.instance_bank.options.BankOptions`; None: off.
        class_prior: dict(shares, ...): class priors correct pseudo-labels (:mod:`mmseg.uda.class_prior`); None: off.
        pseudo_weight: 'batch': the published weight; 'pixel', 'class': :mod:`mmseg.uda.pixel_weight`.
        pseudo_flip: average the teacher over target images and their mirror images; published: no.
            A teacher that only masking uses has none of the three.

    Attributes:
        draws: makes the random decisions of a step from (seed, rank, iteration).

    Raises:
        ConfigError: a value is out of range; all problems are listed.
    """

    model: EncoderDecoder
    ema_model: EncoderDecoder | None
    imnet_model: EncoderDecoder | None

    def __init__(
        self, model: Mapping[str, Any], max_iters: int,
        alpha: float = 0.99, pseudo_threshold: float = 0.968,
        pseudo_weight_ignore_top: int = 0, pseudo_weight_ignore_bottom: int = 0,
        imnet_feature_dist_lambda: float = 0.0, imnet_feature_dist_classes: Sequence[int] | None = None,
        imnet_feature_dist_scale_min_ratio: float | None = None, imnet_feature_dist_scale_method: str | None = None,
        mix: str = 'class', blur: bool = True,
        color_jitter_strength: float | Mapping[str, float] = 0.2, color_jitter_probability: float = 0.2,
        debug_img_interval: int = 1000, print_grad_magnitude: bool = False,
        source_only: bool = False, mask_mode: str | None = None, mask_alpha: float | str = 'same',
        mask_pseudo_threshold: float | str | None = 'same', mask_lambda: float = 0,
        mask_generator: Mapping[str, Any] | None = None, mask_lambda_all: bool = False,
        instance_bank: Mapping[str, Any] | None = None, class_prior: Mapping[str, Any] | None = None,
        pseudo_flip: bool = False, pseudo_weight: str = 'batch',
    ) -> None:  # fmt: skip
        super().__init__()
        self.options = SelfTrainingOptions(
            alpha,
            pseudo_threshold,
            (pseudo_weight_ignore_top, pseudo_weight_ignore_bottom),
            JitterStrength.parse(color_jitter_strength),
            color_jitter_probability,
        )
        self.distance = DistanceOptions(
            imnet_feature_dist_lambda, imnet_feature_dist_classes, imnet_feature_dist_scale_min_ratio
        )
        masking = MaskOptions(
            mask_mode, mask_alpha, mask_pseudo_threshold, mask_lambda, mask_generator, mask_lambda_all
        )
        parts = (self.options, self.distance, masking)
        raise_problems([problem for part in parts for problem in part.problems()] + mix_problems(mix))
        self.blur = blur
        self.print_grad_magnitude = print_grad_magnitude
        self.draws: DrawSource = Draws

        self.model = MODELS.build(copy.deepcopy(model))
        self.ema_model = None if source_only else MODELS.build(copy.deepcopy(model))
        self.instances = build_instances(instance_bank, self.model, source_only=source_only)
        self.labelling = Labelling(
            self.options, self.model.num_classes, class_prior, pseudo_weight, pseudo_flip
        )
        self.mic = build_masking(masking, self.options, model, self.model, source_only=source_only)
        self.imnet_model = MODELS.build(copy.deepcopy(model)) if self.distance.weight > 0 else None
        if self.imnet_model is not None:
            self.imnet_model.requires_grad_(False)
        self.teacher = None if self.ema_model is None else MeanTeacher(self.ema_model, self.model, alpha)
        self.train()

    def init_weights(self) -> None:
        """Load or draw the weights of every network; iteration 0 overwrites the teacher's by the student's."""
        for network in (self.model, self.ema_model, self.mic, self.imnet_model):
            if network is not None:
                network.init_weights()

    def train(self, mode: bool = True) -> 'DACS':
        """Training mode for student and teacher, but no dropout in the teacher; its batch norms use the batch.

        The frozen network stays in evaluation mode.
        """
        super().train(mode)
        if self.ema_model is not None:
            set_dropout(self.ema_model, active=False)
        if self.imnet_model is not None:
            self.imnet_model.eval()
        return self

    def constants(self) -> list[nn.Module]:
        """The network of ImageNet features."""
        return [] if self.imnet_model is None else [self.imnet_model]

    def loss_groups(self, batch: Batch) -> Iterator[LossGroup]:
        """Source (and feature distance), pseudo-label, mixed, masked.

        Args:
            batch: source and target batch of one size, see :data:`mmseg.models.trainable.Batch`.
        """
        draws = self.draws(self.seed, process_rank(), self.iteration)
        for part in (self.teacher, self.mic):
            if part is not None:
                part.update(self.iteration)
        yield self._source(batch, draws)
        pseudo = None
        if self.ema_model is not None:
            pseudo, weak = self._pseudo_label(self.ema_model, batch, draws)
            yield self._mixed(batch, pseudo, weak, draws)
        if self.mic is not None:
            yield self.mic.masked(self.model, batch, pseudo, draws)

    def averages(self) -> list[Average]:
        """The teacher, and that of masking."""
        own = [] if self.teacher is None else [self.teacher]
        return [*own, *([] if self.mic is None else self.mic.averages())]

    def training_state(self) -> dict[str, Any]:
        """Counter and bank."""
        state = super().training_state()
        return state if self.instances is None else {**state, 'instances': self.instances.bank.state()}

    def load_training_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`training_state` returned; a run without a bank leaves none behind."""
        super().load_training_state(state)
        if self.instances is not None and 'instances' in state:
            self.instances.bank.load_state(state['instances'])

    def _source(self, batch: Batch, draws: StepDraws) -> LossGroup:
        """Supervised loss on source images, and the feature distance of the same forward pass."""
        image, label = batch['img'], batch['gt_semantic_seg']
        student = self.model.forward_train(image, label, draws=draws)
        if self.instances is not None:
            self.instances.observe(student.embedding, label, self.iteration)
        seen = {'img': image, 'label': label, **student.seen}
        distances: dict[str, Tensor] = {}
        if self.imnet_model is not None:
            distance = self._feature_distance(image, label, student.views)
            distances['src.loss_imnet_feat_dist'] = self.distance.weight * distance.value
            seen |= {'distance_mask': distance.mask, 'distance_label': distance.label}
        sizes = self._gradient_sizes({'Seg. Grad.': student.losses, 'Fdist Grad.': distances})
        return LossGroup('source', {**student.losses, **distances, **sizes}, seen)

    def _gradient_sizes(self, parts: Mapping[str, dict[str, Tensor]]) -> dict[str, Tensor]:
        """Norm of what each part's losses do to the backbone, if that is asked for."""
        if not self.print_grad_magnitude:
            return {}
        totals = {name: LossGroup(name, part).total() for name, part in parts.items() if part}
        return {name: gradient_norm(total, self.model.backbone) for name, total in totals.items()}

    def _feature_distance(self, image: Tensor, label: Tensor, views: Sequence[View]) -> Distance:
        """Distance of the student's deepest features to those of the frozen network.

        Source: docs/methods/self-training.md#imagenet-feature-distance.

        The distances of several views of one image (``model.feature_scale = 'all'``) are summed; mask and label
        are those of the first.
        """
        assert self.imnet_model is not None
        with torch.no_grad():
            frozen = self.imnet_model.extract_views(image, [view.box for view in views])
        parts = [
            feature_distance(
                view.features[-1],
                features[-1],
                label if view.box is None else crop(label, view.box),
                self.distance.classes,
                self.distance.min_ratio or 0.0,
                self.model.num_classes,
            )
            for view, features in zip(views, frozen, strict=True)
        ]
        return replace(parts[0], value=torch.stack([part.value for part in parts]).sum())

    @torch.no_grad()
    def _pseudo_label(
        self, teacher: EncoderDecoder, batch: Batch, draws: StepDraws
    ) -> tuple[PseudoLabel, Prediction | None]:
        """What the teacher sees on the target crop as a whole; with an instance bank also how it sees it."""
        correct, weak = None, None
        if self.instances is None:
            with torch.inference_mode():
                found = teacher.predict_with_embedding(batch['target_img'])
        else:  # not in inference mode, because the loss keeps the embedding for its backward pass
            found = weak = self.instances.look(teacher, batch, draws)
            correct = self.instances.correction(weak)
        images, valid = batch['target_img'], batch.get('valid_pseudo_mask')
        pseudo = self.labelling(found.logits, images, teacher.generate_pseudo_label, valid, correct)
        return replace(pseudo, seen=found.seen), weak

    def _mixed(
        self, batch: Batch, pseudo: PseudoLabel, weak: Prediction | None, draws: StepDraws
    ) -> LossGroup:
        """Source classes on the target, strongly augmented (docs/methods/self-training.md#one-iteration, step 7)."""
        source_label, target = batch['gt_semantic_seg'], batch['target_img']
        _check_sizes(batch['img'], target)
        mask = class_mask(source_label, draws.mix_classes(source_label))
        image = mix_where(mask, batch['img'], target)
        label = mix_where(mask, source_label, pseudo.label.unsqueeze(1))
        weight = pseudo.weight.masked_fill(mask.squeeze(1), 1.0)
        options = self.options
        strong = draw_strong(draws, len(image), options.jitter_strength, options.jitter_above, self.blur)
        image = apply_strong(image, strong, *normalisation(batch['img_metas'], image.device))
        student = self.model.forward_train(image, label, weight=weight, draws=draws)
        losses = {f'mix.{name}': value for name, value in student.losses.items()}
        instances: dict[str, Tensor] = {}
        if self.instances is not None and weak is not None:
            instances = self.instances.losses(student, weak, pseudo, mask)
        sizes = self._gradient_sizes({'Mix. Grad.': losses, 'Instance Grad.': instances})
        # Our own entry comes last, so that the published ones keep their order.
        seen = {
            'img': image,
            'label': label,
            'weight': weight,
            'mask': mask,
            'target_img': target,
            'pseudo_label': pseudo.label,
            'target_seen': pseudo.seen,
            **student.seen,
        }
        return LossGroup(
            'mixed',
            {**losses, **instances, 'mix.pseudo_weight': mean_where(~mask.squeeze(1), weight), **sizes},
            seen,
        )


def _check_sizes(source: Tensor, target: Tensor) -> None:
    if source.shape != target.shape:
        sizes = [
            f'{len(images)} of {images.shape[2]} x {images.shape[3]} pixels' for images in (source, target)
        ]
        raise ConfigError(
            f'Source images ({sizes[0]}) and target images ({sizes[1]}) cannot be mixed; give both domains the same '
            'crop size (RandomCrop and Pad of data.train.source and data.train.target).'
        )
