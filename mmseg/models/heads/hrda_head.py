"""HRDA head: one decoder for two resolutions and a learned scale attention (Hoyer et al., ECCV 2022,
arXiv:2204.13132; docs/methods/hrda.md#head).
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.detail_crop import Box, crop, resize_by, shrink
from mmseg.models.heads.base import BaseDecodeHead, HeadOptions, head_problems
from mmseg.models.heads.daformer_head import DAFormerOptions
from mmseg.models.heads.dlv2_head import DLV2Options
from mmseg.models.layers import resize
from mmseg.models.terms import Terms
from mmseg.options import Amount, AtLeastOne, NoOptions, Positive, Several, Share, declared_by, parse
from mmseg.registry import MODELS


@dataclass
class ScaleLogits:
    """Predictions of both scales and their fusion.

    Attributes:
        fused: (B, C, H', W') on the detail grid.
        context: (B, C, h, w) on the context grid, already multiplied by one minus the attention (Quirk: this is
            what the context loss and the debug picture use).
        detail: (B, C, ...) of the detail crop, or of the whole image at test time.
        attention: sigmoid of the scale attention before crop masking, (B, C or 1, h, w), or the fixed number.
        weight: the share of ``detail`` in ``fused``, (B, C or 1, H', W'), 0 outside the crop; or the fixed number.
        plain_context: (B, C, h, w), what the context alone says.
    """

    fused: Tensor
    context: Tensor
    detail: Tensor
    attention: Tensor | float
    weight: Tensor | float
    plain_context: Tensor

    def detached(self) -> 'ScaleLogits':
        """The same numbers without the graph behind them."""
        return ScaleLogits(**{k: v.detach() if isinstance(v, Tensor) else v for k, v in vars(self).items()})

    def attention_map(self) -> Tensor:
        """Attention to the detail scale in [0, 1], weighted by the predicted classes, (B, 1, H', W')."""
        return (self.weight * self.fused.softmax(dim=1)).sum(dim=1, keepdim=True)


@dataclass(frozen=True, kw_only=True)
class HRDAOptions(NoOptions):
    """Options of :class:`HRDAHead` itself.

    Attributes:
        single_scale_head: 'DAFormerHead' or 'DLV2Head'.
        lr_loss_weight, hr_loss_weight: weights of context and detail loss; the fused loss gets the rest of 1.
        scales: (context, detail) scale of the image, ascending; set by the segmentor.
        attention_embed_dim: width of the attention decoder (DAFormerHead only).
        attention_classwise: one attention map a class, or one for all.
        enable_hr_crop: training sees a detail crop instead of the whole image; set by the segmentor.
        hr_slide_inference: accepted for published configurations; the segmentor slides.
        fixed_attention: use this number instead of a learned attention.
        debug_output_attention: :meth:`HRDAHead.output` returns the attention-weighted probability map (B, 1, H', W').
    """

    single_scale_head: str
    lr_loss_weight: Amount = 0
    hr_loss_weight: Amount = 0
    scales: Several[Positive] = (1,)
    attention_embed_dim: AtLeastOne = 256
    attention_classwise: bool = True
    enable_hr_crop: bool = False
    hr_slide_inference: bool = True
    fixed_attention: Share | None = None
    debug_output_attention: bool = False


@MODELS.register_module()
class HRDAHead(nn.Module):
    """Single-scale decoder ``head`` for both resolutions and ``scale_attention``, which sees the context only.

    Args:
        options: those of :class:`HRDAOptions`; the others, unless they are None, are the single-scale decoder's.

    Raises:
        ConfigError: unknown single-scale head or option, or not exactly two scales.
    """

    Options = HRDAOptions
    problems = staticmethod(head_problems)

    def __init__(self, **options: Any) -> None:
        super().__init__()
        names = declared_by(HRDAOptions)
        own = parse(
            HRDAOptions, {key: value for key, value in options.items() if key in names}, 'HRDAHead.{}'.format
        )
        if len(own.scales) != 2:
            raise ConfigError(f'model.scales is {list(own.scales)}; HRDAHead expects two scales.')
        passed_on = {key: value for key, value in options.items() if key not in names and value is not None}
        base = {'type': own.single_scale_head, **passed_on}
        classes = passed_on.get('num_classes', 1) if own.attention_classwise else 1
        attention = _attention_config(base, own.attention_embed_dim, classes)
        self.head: BaseDecodeHead = MODELS.build(copy.deepcopy(base))
        self.scale_attention: BaseDecodeHead | None = None
        if own.fixed_attention is None:
            self.scale_attention = MODELS.build(attention)
        self.num_classes, self.align_corners = self.head.num_classes, self.head.align_corners
        self.ignore_index = self.head.ignore_index
        self.lr_loss_weight, self.hr_loss_weight = own.lr_loss_weight, own.hr_loss_weight
        self.lr_scale, self.hr_scale = own.scales
        self.enable_hr_crop, self.fixed_attention = own.enable_hr_crop, own.fixed_attention
        self.debug_output_attention = own.debug_output_attention

    @classmethod
    def declared(cls) -> Mapping[str, tuple[Any, bool]]:
        """Own options, and those of the single-scale decoders, which may be None: as if they were not given."""
        inner = {**declared_by(DLV2Options), **declared_by(DAFormerOptions), **declared_by(HeadOptions)}
        needed = ('in_channels', 'num_classes')
        passed_on = {
            name: (annotation, True) if name in needed else (annotation | None, False)
            for name, (annotation, _) in inner.items()
        }
        return {**passed_on, **declared_by(HRDAOptions)}

    def init_weights(self) -> None:
        """Initialise the decoders."""
        self.head.init_weights()
        if self.scale_attention is not None:
            self.scale_attention.init_weights()

    def output_stride(self, strides: Sequence[int]) -> int:
        """See :meth:`BaseDecodeHead.output_stride`; of either scale."""
        return int(self.head.output_stride(strides))

    @property
    def embedding_channels(self) -> int:
        """Channels of the embedding of either scale."""
        return int(self.head.embedding_channels)

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Embedding (B, D, h, w) of one scale, see :meth:`BaseDecodeHead.embed`."""
        embedding: Tensor = self.head.embed(features)
        return embedding

    def classify(self, embedding: Tensor) -> Tensor:
        """Logits (B, C, h, w) of the embedding of one scale."""
        logits: Tensor = self.head.classify(embedding)
        return logits

    def decode(self, features: Sequence[Tensor]) -> Tensor:
        """Logits (B, C, h, w) of the features of one scale."""
        logits: Tensor = self.head(features)
        return logits

    def attend(self, context_features: Sequence[Tensor]) -> Tensor | float:
        """Scale attention in [0, 1], (B, C or 1, h, w), or the fixed number."""
        if self.scale_attention is None:
            assert self.fixed_attention is not None
            return self.fixed_attention
        return torch.sigmoid(self.scale_attention(context_features))

    def fuse(
        self,
        context_logits: Tensor,
        detail_logits: Tensor,
        attention: Tensor | float,
        box: Box | None = None,
        stride: int = 1,
    ) -> ScaleLogits:
        """``up((1 - a) * context) + up(a) * detail`` (docs/methods/hrda.md#fusion).

        Args:
            context_logits: (B, C, h, w).
            detail_logits: of the crop ``box``, or of the whole image without ``box``.
            attention: what :meth:`attend` returned.
            box: detail crop in pixels of the detail image.
            stride: its pixels per logit.

        Raises:
            ConfigError: the stride does not divide the crop, or the context's prediction ends inside it.
        """
        weight: Tensor | float = attention
        if box is not None:
            _check_divisible(box, detail_logits, stride)
            mask = _ones_inside(context_logits, shrink(box, stride / self.lr_scale * self.hr_scale))
            weight = attention * mask
        attenuated = (1 - weight) * context_logits
        ratio = self.hr_scale / self.lr_scale
        context = resize_by(attenuated, ratio)
        if isinstance(weight, Tensor):
            weight = resize_by(weight, ratio)
        if box is not None:
            detail = torch.zeros_like(context)
            place = crop(detail, shrink(box, stride))
            if place.shape != detail_logits.shape:
                raise ConfigError(_too_coarse(box, context, stride, self.lr_scale, self.hr_scale))
            place.copy_(detail_logits)
        else:
            detail = detail_logits
            size = (detail.shape[2], detail.shape[3])
            # Only sizes that the ratio does not divide differ here; there the detail grid decides.
            context = resize(context, size)
            weight = resize(weight, size) if isinstance(weight, Tensor) else weight
        fused = weight * detail + context
        return ScaleLogits(fused, attenuated, detail_logits, attention, weight, context_logits)

    def output(self, scales: ScaleLogits) -> Tensor:
        """What inference goes on with: the fused logits, or the attention map (B, 1, H', W') in debug mode."""
        return scales.attention_map() if self.debug_output_attention else scales.fused

    def losses(
        self, scales: ScaleLogits, label: Tensor, weight: Tensor | None = None, box: Box | None = None
    ) -> Terms:
        """Fused loss, and context and detail loss where their weights are positive (docs/methods/hrda.md#losses).

        Args:
            scales: predictions of the training crop.
            label: int64 (B, 1, H, W).
            weight: (B, H, W) pixel weights in [0, 1], or None for 1.
            box: detail crop in pixels of ``label``.

        Returns:
            Loss 'loss_seg', metric 'acc_seg' and, prefixed by 'lr.' and 'hr.', those of the scales; losses are
            weighted.
        """
        rest = 1 - self.lr_loss_weight - self.hr_loss_weight
        terms = [_shared(self.head.losses(scales.fused, label, weight), rest)]
        if self.lr_loss_weight > 0:
            context = self.head.losses(scales.context, label, weight)
            terms.append(_shared(context, self.lr_loss_weight).prefixed('lr.'))
        if self.hr_loss_weight > 0:
            if self.enable_hr_crop and box is not None:
                label, weight = crop(label, box), None if weight is None else crop(weight, box)
            detail = self.head.losses(scales.detail, label, weight)
            terms.append(_shared(detail, self.hr_loss_weight).prefixed('hr.'))
        return terms[0].joined(*terms[1:])


def _shared(terms: Terms, share: float) -> Terms:
    """Losses of one scale with their share of the whole."""
    return Terms({name: value * share for name, value in terms.losses.items()}, terms.metrics, terms.order)


def _attention_config(base: Mapping[str, Any], embed_dim: int, classes: int) -> dict[str, Any]:
    """Configuration of the attention decoder, a slimmer head of the same type."""
    config = {**copy.deepcopy(dict(base)), 'num_classes': classes}
    if base['type'] == 'DLV2Head':
        return config
    if base['type'] != 'DAFormerHead':
        raise ConfigError(
            f"model.decode_head.single_scale_head is '{base['type']}'; expected 'DAFormerHead' or 'DLV2Head'."
        )
    config['channels'] = embed_dim
    params = config['decoder_params']
    params['embed_dims'] = embed_dim
    fusion = params['fusion_cfg']
    if fusion['type'] == 'aspp':
        params['fusion_cfg'] = {
            'type': 'conv', 'kernel_size': 1, 'act_cfg': {'type': 'ReLU'}, 'norm_cfg': fusion['norm_cfg']
        }  # fmt: skip
    return config


def coarse_boxes(boxes: Sequence[Box], logits: Tensor, stride: int) -> list[Box]:
    """Boxes of windows on the grid of their logits (B, C, h, w), ``stride`` pixels each."""
    _check_divisible(boxes[0], logits, stride)
    return [shrink(box, stride) for box in boxes]


def _check_divisible(box: Box, logits: Tensor, stride: int) -> None:
    """The box must be a multiple of the pixels per logit."""
    height, width = box[1] - box[0], box[3] - box[2]
    if (height, width) != (logits.shape[2] * stride, logits.shape[3] * stride):
        raise ConfigError(
            f'The detail crop is {height}x{width} but its prediction {logits.shape[2]}x{logits.shape[3]}; expected '
            'model.hr_crop_size (and the crop of the data set) divisible by the output stride of the decoder, which is '
            f'{stride}, or better by the stride of the deepest map of the encoder.'
        )


def _too_coarse(box: Box, context: Tensor, stride: int, lr_scale: float, hr_scale: float) -> str:
    """The context's prediction, enlarged to ``context`` (B, C, h, w), ends inside the detail crop."""
    size = tuple(length * stride for length in context.shape[2:])
    return (
        f'Enlarged by the ratio of model.scales, {hr_scale:g} / {lr_scale:g}, the prediction of the context covers '
        f'{size[0]}x{size[1]} pixels; the detail crop ends at {box[1]}x{box[3]}. Expected a training crop (crop_size '
        f'of the data set) whose sides, times {lr_scale:g}, are whole multiples of {stride}.'
    )


def _ones_inside(like: Tensor, box: Box) -> Tensor:
    """(B, 1, h, w): 1 inside the box, 0 outside."""
    mask = like.new_zeros(like.shape[0], 1, like.shape[2], like.shape[3])
    crop(mask, box).fill_(1)
    return mask
