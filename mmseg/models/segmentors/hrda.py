"""HRDA: context and detail crops in one network (Hoyer et al., ECCV 2022, arXiv:2204.13132).

Source: docs/methods/hrda.md#network.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

from torch import Tensor

from mmseg.errors import ConfigError
from mmseg.models.detail_crop import Box, blur_image, crop, draw_box, fill_up, scale_image
from mmseg.models.heads.hrda_head import HRDAHead, ScaleLogits, coarse_boxes
from mmseg.models.layers import resize
from mmseg.models.precision import autocast
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.models.segmentors.outputs import DetailEmbedding, Prediction, Seen, SegmentorOutput, View
from mmseg.models.segmentors.windows import cut_windows, merge_windows, window_boxes
from mmseg.options import AtLeastOne, Positive, Several
from mmseg.registry import MODELS
from mmseg.streams import StreamSource


@MODELS.register_module()
class HRDAEncoderDecoder(EncoderDecoder):
    """Encoder-decoder that sees an image twice: small as a whole, and large in a detail crop.

    Args:
        backbone, decode_head, neck, train_cfg, test_cfg, pretrained, init_cfg: see :class:`EncoderDecoder`; the
            decode head is an HRDAHead.
        scales: the two image scales; sorted, the smaller is the context.
        hr_crop_size: (height, width) of the training detail crop in pixels of the detail image; None: no crop.
        hr_slide_inference: at test time and for pseudo-labels slide detail crops over the image.
        hr_slide_overlapping: they overlap by half; else not at all.
        crop_coord_divisible: offsets of the training crop are multiples of it; None: of the cells in which the logits
            of both scales lie, e.g. 8 for a decoder of stride 4 at the scales 1 and 0.5.
        blur_hr_crop: take the fine detail out of the detail image (ablation).
        feature_scale: the scale whose features are compared in the feature distance, or 'all'.
        hr_slide_batch: at test time at most so many detail windows in one forward pass, which bounds the memory of
            the detail. (With ``test_cfg.batched_slide`` the outer windows of an image still run together.)
            Training mode takes all at once, as published, because batch norms then use the statistics of the
            batch.

    Raises:
        ConfigError: not two scales, or a feature scale that is not one of them.
    """

    decode_head: HRDAHead

    def __init__(
        self,
        backbone: Mapping[str, Any],
        decode_head: Mapping[str, Any],
        neck: Mapping[str, Any] | None = None,
        train_cfg: Mapping[str, Any] | None = None,
        test_cfg: Mapping[str, Any] | None = None,
        pretrained: str | None = None,
        init_cfg: None = None,
        scales: Several[Positive] = (1,),
        hr_crop_size: tuple[AtLeastOne, AtLeastOne] | None = None,
        hr_slide_inference: bool = True,
        hr_slide_overlapping: bool = True,
        crop_coord_divisible: AtLeastOne | None = 1,
        blur_hr_crop: bool = False,
        feature_scale: Positive | Literal['all'] = 1,
        hr_slide_batch: AtLeastOne = 16,
    ) -> None:
        scales = sorted(scales)
        head = {
            **decode_head,
            'scales': scales,
            'enable_hr_crop': hr_crop_size is not None,
            'hr_slide_inference': hr_slide_inference,
        }
        super().__init__(
            backbone,
            head,
            neck,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            pretrained=pretrained,
            init_cfg=init_cfg,
        )
        self.scales = scales
        self.crop_size = None if hr_crop_size is None else (hr_crop_size[0], hr_crop_size[1])
        self.hr_slide_inference = hr_slide_inference
        self.slide_divisor = 2 if hr_slide_overlapping else 1
        self.crop_coord_divisible = self._cells() if crop_coord_divisible is None else crop_coord_divisible
        self.blur_hr_crop = blur_hr_crop
        self.feature_scale = feature_scale
        self.hr_slide_batch = hr_slide_batch
        if feature_scale != 'all' and feature_scale not in scales:
            raise ConfigError(f"model.feature_scale is {feature_scale!r}; expected one of {scales} or 'all'.")
        if hr_slide_inference and hr_crop_size is None:
            raise ConfigError(
                'model.hr_slide_inference is True without model.hr_crop_size; expected (height, width).'
            )

    def _cells(self) -> int:
        """The smallest number of pixels that are whole logits of either scale."""
        return (
            self.output_stride * Fraction(self.scales[0] / self.scales[-1]).limit_denominator(64).denominator
        )

    @property
    def token_size(self) -> int:
        """See :class:`EncoderDecoder`; in the context image, where it is larger."""
        return round(self.levels.strides[-1] / self.scales[0])

    def over_windows(self, img: Tensor, predict: Callable[[Tensor], Tensor]) -> Tensor:
        """See :class:`EncoderDecoder`; edges shorter than the detail crop grow to what the decoder can divide."""
        if self.crop_size is None or not self.hr_slide_inference:
            return super().over_windows(img, predict)
        filled = fill_up(img, self.crop_size, self.output_stride)
        return super().over_windows(filled, predict)[:, :, : img.shape[2], : img.shape[3]]

    def encode_decode(self, img: Tensor) -> Tensor:
        """Normalised image (B, 3, H, W) -> fused float32 logits (B, num_classes, H, W).

        With ``decode_head.debug_output_attention``: attention to the detail scale, (B, 1, H, W) in [0, 1].
        """
        return self.predict_with_embedding(img).logits

    def predict_with_embedding(self, img: Tensor, detail: bool = False) -> Prediction:
        """See :class:`EncoderDecoder`."""
        scales, context, canvas = self._predict(img, detail)
        output = self.decode_head.output(scales).float()
        logits = resize(output, (img.shape[2], img.shape[3]), self.align_corners)
        return Prediction(logits, context, canvas, self._seen(scales, None))

    def predict_scales(self, img: Tensor) -> ScaleLogits:
        """Predictions of both scales for a whole image (B, 3, H, W): test time and pseudo-labels."""
        return self._predict(img)[0]

    def _predict(self, img: Tensor, keep_detail: bool = False) -> tuple[ScaleLogits, Tensor, Tensor | None]:
        """Predictions of both scales, the context's embedding and, if it is to be kept, the detail image's."""
        context = self.extract_feat(self._image(img, self.scales[0]))
        detail_image = self._image(img, self.scales[1])
        with autocast(img, self.precision):
            head = self.decode_head
            embedding = head.embed(context)
            context_logits, attention = head.classify(embedding), head.attend(context)
            if self.hr_slide_inference:
                detail_logits, detail = self._slide_detail(detail_image, keep_detail)
            else:
                detail = head.embed(self.extract_feat(detail_image))
                detail_logits = head.classify(detail)
            scales = head.fuse(context_logits, detail_logits, attention)
        return scales, embedding, detail if keep_detail else None

    def forward_train(
        self, img: Tensor, label: Tensor, weight: Tensor | None = None, draws: StreamSource | None = None
    ) -> SegmentorOutput:
        """Losses of a batch on the context image and one random detail crop; see :class:`EncoderDecoder`.

        Args:
            img, label, weight: at the detail scale, (B, 3, H, W), (B, 1, H, W), (B, H, W).
            draws: decides where the detail crop lies.
        """
        context, detail, scales, embeddings = self._training_pass(img, draws)
        with autocast(img, self.precision):
            found = self.decode_head.losses(scales, label, weight, detail.box)
        return SegmentorOutput(
            *found.prefixed('decode.').parts(),
            views=self._compared([context, detail]),
            logits=scales.fused,
            embedding=embeddings[0],
            seen=self._seen(scales, detail.box),
            detail=DetailEmbedding(embeddings[1], detail.box),
        )

    def forward_logits(
        self, img: Tensor, draws: StreamSource | None = None
    ) -> tuple[dict[str, Tensor], Seen]:
        """See :class:`EncoderDecoder`; the fused logits of the context image and one random detail crop."""
        _, detail, scales, _ = self._training_pass(img, draws)
        return {'main': scales.fused}, self._seen(scales, detail.box)

    def domain_logits(self, logits: Tensor, size: Sequence[int]) -> Tensor:
        """See :class:`EncoderDecoder`; at half the size of the image.

        Raises:
            ConfigError: ``feature_scale`` is not 0.5, the only one MinEnt and AdvSeg are published with.
        """
        if self.feature_scale != 0.5:
            raise ConfigError(
                f'model.feature_scale is {self.feature_scale!r}; MinEnt and AdvSeg need 0.5, the scale at which they '
                'compare predictions.'
            )
        return resize(logits.float(), (size[0] // 2, size[1] // 2))

    def _training_pass(
        self, img: Tensor, draws: StreamSource | None
    ) -> tuple[View, View, ScaleLogits, tuple[Tensor, Tensor]]:
        """Features of context and detail crop, predictions, and both embeddings."""
        context = self.extract_feat(self._image(img, self.scales[0]))
        detail_image = self._image(img, self.scales[1])
        box = self.draw_detail_box(detail_image, draws)
        detail = self.extract_feat(detail_image if box is None else crop(detail_image, box))
        with autocast(img, self.precision):
            head = self.decode_head
            embeddings = (head.embed(context), head.embed(detail))
            context_logits, detail_logits = (head.classify(embedding) for embedding in embeddings)
            attention = head.attend(context)
            scales = head.fuse(context_logits, detail_logits, attention, box, self.output_stride)
        cells = [int(self.levels.strides[-1] / scale) for scale in self.scales]
        return View(context, None, cells[0]), View(detail, box, cells[1]), scales, embeddings

    def draw_detail_box(self, detail_image: Tensor, draws: StreamSource | None) -> Box | None:
        """One window for the whole batch, or None without ``hr_crop_size``."""
        if self.crop_size is None:
            return None
        if draws is None:
            raise ValueError('a detail crop is random: forward_train needs draws')
        size = (detail_image.shape[2], detail_image.shape[3])
        return draw_box(draws.stream('detail'), size, self.crop_size, self.crop_coord_divisible)

    def view_images(self, img: Tensor, boxes: Sequence[Box | None]) -> list[Tensor]:
        """See :class:`EncoderDecoder`: images at the scales that the feature distance compares, the detail cut."""
        if self.feature_scale != 'all':
            return [self._image(img, float(self.feature_scale))]
        images = [self._image(img, scale) for scale in self.scales]
        return [image if box is None else crop(image, box) for image, box in zip(images, boxes, strict=True)]

    def _seen(self, scales: ScaleLogits, box: Box | None) -> Seen:
        """Debug pictures show predictions, the detail crop, and what a function makes of the images behind them."""
        return lambda: {'scales': scales.detached(), 'detail_box': box, 'scale_images': self.scale_images}

    def scale_images(self, img: Tensor, box: Box | None) -> dict[str, Tensor]:
        """What the encoder sees of images (B, 3, H, W), by published title; the detail cut to ``box``."""
        context, detail = (self._image(img, scale) for scale in self.scales)
        images = (context, detail if box is None else crop(detail, box))
        titles = (f'Img {i} Scale {scale:g}' for i, scale in enumerate(self.scales))
        return dict(zip(titles, images, strict=True))

    def _compared(self, views: list[View]) -> list[View]:
        """The views that the feature distance compares."""
        return views if self.feature_scale == 'all' else [views[self.scales.index(float(self.feature_scale))]]

    def _image(self, img: Tensor, scale: float) -> Tensor:
        """The image at a scale; at scale 1 without fine detail under ``blur_hr_crop``."""
        return blur_image(img) if scale == 1 and self.blur_hr_crop else scale_image(img, scale)

    def detail_windows(self, size: Sequence[int]) -> list[Box]:
        """The sliding windows over a detail image of (height, width)."""
        assert self.crop_size is not None
        height, width = self.crop_size
        return window_boxes(size, self.crop_size, (height // self.slide_divisor, width // self.slide_divisor))

    def _slide_detail(self, img: Tensor, keep_embedding: bool) -> tuple[Tensor, Tensor | None]:
        """Logits of the detail image (B, 3, H, W), averaged over sliding windows, and its embedding likewise."""
        head, boxes = self.decode_head, self.detail_windows((img.shape[2], img.shape[3]))
        at_once = len(boxes) if self.training else max(self.hr_slide_batch // img.shape[0], 1)
        windows: list[Tensor] = []
        embeddings: list[Tensor] = []
        for start in range(0, len(boxes), at_once):
            batch = cut_windows(img, boxes[start : start + at_once])
            embedding = head.embed(self.extract_feat(batch))
            windows += head.classify(embedding).split(img.shape[0])
            embeddings += embedding.split(img.shape[0]) if keep_embedding else []
        stride = self.output_stride
        return _merged(windows, boxes, stride), _merged(embeddings, boxes, stride) if keep_embedding else None


def _merged(windows: Sequence[Tensor], boxes: Sequence[Box], stride: int) -> Tensor:
    """One map of those of the windows, averaged where they overlap."""
    if len(boxes) == 1:
        return windows[0]
    coarse = coarse_boxes(boxes, windows[0], stride)
    return merge_windows([window.float() for window in windows], coarse, (coarse[-1][1], coarse[-1][3]))
