"""Encoder-decoder segmentor (docs/methods/segmentor.md#forward-passes)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmseg.batch import Meta
from mmseg.models.detail_crop import Box
from mmseg.models.layers import resize
from mmseg.models.levels import build_head, check_maps, levels_of
from mmseg.models.precision import autocast
from mmseg.models.segmentors.configured import checked_test_cfg, with_pretrained
from mmseg.models.segmentors.outputs import Prediction, Seen, SegmentorOutput, View
from mmseg.models.segmentors.windows import cut_windows, merge_windows, window_boxes
from mmseg.models.terms import Terms
from mmseg.registry import MODELS
from mmseg.streams import StreamSource


@MODELS.register_module()
class EncoderDecoder(nn.Module):
    """Backbone, optional neck, decode head.

    Args:
        backbone, decode_head, neck: configurations.
        auxiliary_head: configuration of one further head, or a list; they only add losses.
        train_cfg: accepted for published configurations; nothing in it is read.
        test_cfg: ``mode`` 'whole' (default) or 'slide'; 'slide' needs ``crop_size`` and ``stride`` (height, width) and
            may have ``batched_slide`` (all windows in one forward pass).
        pretrained: weights of the backbone, handed to it.
        init_cfg: accepted as None only.
    """

    def __init__(
        self,
        backbone: Mapping[str, Any],
        decode_head: Mapping[str, Any],
        neck: Mapping[str, Any] | None = None,
        auxiliary_head: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        train_cfg: Mapping[str, Any] | None = None,
        test_cfg: Mapping[str, Any] | None = None,
        pretrained: str | None = None,
        init_cfg: None = None,
    ) -> None:
        super().__init__()
        self.backbone = MODELS.build(with_pretrained(backbone, pretrained))
        self.neck = None if neck is None else MODELS.build(neck)
        self.levels = levels_of(self.backbone, self.neck)
        self.decode_head = build_head(decode_head, self.levels, 'decode_head')
        self.auxiliary_head: nn.Module | None = None
        if isinstance(auxiliary_head, Mapping):
            self.auxiliary_head = build_head(auxiliary_head, self.levels, 'auxiliary_head')
        elif auxiliary_head is not None:
            self.auxiliary_head = nn.ModuleList(
                build_head(head, self.levels, f'auxiliary_head.{i}') for i, head in enumerate(auxiliary_head)
            )
        self.test_cfg = checked_test_cfg(test_cfg)
        self.precision = 'fp32'
        self._maps_checked = False

    @property
    def token_size(self) -> int:
        """Side in pixels of what a cell of the encoder's deepest map covers; of a plain transformer, a patch."""
        return self.levels.strides[-1]

    @property
    def output_stride(self) -> int:
        """Pixels per logit of the decode head."""
        return int(self.decode_head.output_stride(self.levels.strides))

    @property
    def num_classes(self) -> int:
        return int(self.decode_head.num_classes)

    @property
    def align_corners(self) -> bool:
        return bool(self.decode_head.align_corners)

    @property
    def head_names(self) -> list[str]:
        """'main' and the log prefixes of the auxiliary heads."""
        return ['main', *(prefix for prefix, _, _ in self._auxiliary_heads())]

    def init_weights(self) -> None:
        """Load the backbone's pretrained weights or initialise it, then initialise the heads."""
        self.backbone.init_weights()
        self.decode_head.init_weights()
        for _, head, _ in self._auxiliary_heads():
            head.init_weights()

    def extract_feat(self, img: Tensor) -> list[Tensor]:
        """Normalised image (B, 3, H, W) -> feature maps."""
        with autocast(img, self.precision):
            features = list(self.backbone(img))
            tracing = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
            if not (self._maps_checked or tracing or torch.compiler.is_compiling()):
                check_maps(self.backbone, features, (img.shape[2], img.shape[3]))
                self._maps_checked = True
            return features if self.neck is None else self.neck(features)

    def extract_views(self, img: Tensor, boxes: Sequence[Box | None]) -> list[list[Tensor]]:
        """Features of the views that another network's :meth:`forward_train` returned with these boxes."""
        return [self.extract_feat(view) for view in self.view_images(img, boxes)]

    def view_images(self, img: Tensor, boxes: Sequence[Box | None]) -> list[Tensor]:
        """What the encoder sees of images (B, 3, H, W) in these views."""
        return [img]

    def encode_decode(self, img: Tensor) -> Tensor:
        """Normalised image (B, 3, H, W) -> float32 logits (B, num_classes, H, W)."""
        features = self.extract_feat(img)
        with autocast(img, self.precision):
            logits = self.decode_head(features)
        return resize(logits.float(), (img.shape[2], img.shape[3]), self.align_corners)

    def forward(self, img: Tensor) -> Tensor:
        """Same as :meth:`encode_decode`."""
        return self.encode_decode(img)

    def generate_pseudo_label(self, img: Tensor) -> Tensor:
        """Logits of the whole crop, (B, num_classes, H, W); ``test_cfg`` has no influence.

        Source: docs/methods/segmentor.md#forward-passes.
        """
        return self.encode_decode(img)

    def predict_with_embedding(self, img: Tensor, detail: bool = False) -> Prediction:
        """Logits as :meth:`generate_pseudo_label`, and the embeddings they come from.

        Args:
            img: (B, 3, H, W).
            detail: also return that of the detail image; without effect where there is none.
        """
        features = self.extract_feat(img)
        with autocast(img, self.precision):
            embedding = self.decode_head.embed(features)
            logits = self.decode_head.classify(embedding)
        size = (img.shape[2], img.shape[3])
        return Prediction(resize(logits.float(), size, self.align_corners), embedding)

    def forward_train(
        self, img: Tensor, label: Tensor, weight: Tensor | None = None, draws: StreamSource | None = None
    ) -> SegmentorOutput:
        """Losses of a batch.

        Args:
            img: normalised image (B, 3, H, W).
            label: int64 (B, 1, H, W), class ids or 255 = ignore.
            weight: pixel weights (B, H, W) in [0, 1], or None for 1.
            draws: random decisions of multi-resolution networks (required there); unused here.
        """
        features = self.extract_feat(img)
        with autocast(img, self.precision):
            output = self.decode_head.forward_train(features, label, weight)
            terms: list[Terms] = [output.prefixed('decode.')]
            auxiliary: dict[str, Tensor] = {}
            for prefix, head, weighted in self._auxiliary_heads():
                found = head.forward_train(features, label, weight if weighted else None)
                terms.append(found.prefixed(f'{prefix}.'))
                auxiliary[prefix] = found.logits
        return SegmentorOutput(
            *terms[0].joined(*terms[1:]).parts(),
            views=[View(features, None, self.levels.strides[-1])],
            logits=output.logits,
            embedding=output.embedding,
            auxiliary=auxiliary,
        )

    def forward_logits(
        self, img: Tensor, draws: StreamSource | None = None
    ) -> tuple[dict[str, Tensor], Seen]:
        """A training pass without labels; arguments as :meth:`forward_train`.

        Returns:
            Logits of each of :attr:`head_names` at its resolution, and ``SegmentorOutput.seen``.
        """
        features = self.extract_feat(img)
        with autocast(img, self.precision):
            logits = {'main': self.decode_head(features)}
            logits |= {prefix: head(features) for prefix, head, _ in self._auxiliary_heads()}
        return logits, dict

    def domain_logits(self, logits: Tensor, size: Sequence[int]) -> Tensor:
        """Logits as the losses of MinEnt and AdvSeg compare them between domains.

        Source: docs/methods/minent.md, docs/methods/advseg.md.

        Args:
            logits: of a training pass, (B, num_classes, h, w).
            size: (H, W) of the image.

        Returns:
            float32 (B, num_classes, H, W).
        """
        return resize(logits.float(), (size[0], size[1]), self.align_corners)

    def inference(self, img: Tensor, metas: Sequence[Meta], rescale: bool = True) -> Tensor:
        """Class probabilities in the orientation of the original image.

        Args:
            img: normalised image (B, 3, H, W); all images of a batch share size and flip.
            metas: one a image.
            rescale: resize the logits to ``ori_shape`` first.

        Returns:
            float32 (B, num_classes, H, W), or ``ori_shape`` with ``rescale``.
        """
        return self.probabilities(self.predict_logits(img), metas[0], rescale)

    def probabilities(self, logits: Tensor, meta: Meta, rescale: bool = True) -> Tensor:
        """Class probabilities of logits (B, num_classes, h, w); arguments and result as :meth:`inference`."""
        if rescale:
            height, width = meta['ori_shape'][:2]
            logits = resize(logits, (height, width), self.align_corners)
        return _undo_flip(logits.softmax(dim=1), meta)

    def predict_logits(self, img: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Logits of images (B, 3, H, W), whole or by sliding windows as ``test_cfg`` says.

        Returns:
            float32 (B, num_classes, H, W), resized to ``size`` if that is given.
        """
        logits = self.over_windows(img, self.encode_decode)
        return logits if size is None else resize(logits, size, self.align_corners)

    def over_windows(self, img: Tensor, predict: Callable[[Tensor], Tensor]) -> Tensor:
        """What ``predict`` makes of images (B, 3, H, W), whole or averaged over windows as ``test_cfg`` says.

        Args:
            img: normalised images.
            predict: maps of the same size of images, (n, 3, h, w) -> (n, C, h, w).
        """
        if self.test_cfg['mode'] == 'whole':
            return predict(img)
        size = (img.shape[2], img.shape[3])
        boxes = window_boxes(size, self.test_cfg['crop_size'], self.test_cfg['stride'])
        if self.test_cfg.get('batched_slide', False):
            windows = list(predict(cut_windows(img, boxes)).split(img.shape[0]))
        else:
            windows = [predict(cut_windows(img, [box])) for box in boxes]
        return merge_windows(windows, boxes, size)

    def simple_test(
        self, img: Tensor, metas: Sequence[Meta], rescale: bool = True
    ) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
        """Class maps, one int64 (H, W) array a image; arguments as :meth:`inference`."""
        with torch.inference_mode():
            return _class_maps(self.inference(img, metas, rescale))

    def aug_test(
        self, imgs: Sequence[Tensor], metas: Sequence[Sequence[Meta]]
    ) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
        """Class maps of the mean probabilities over augmentations; one batch and its metas an augmentation.

        All are rescaled to ``ori_shape``.
        """
        with torch.inference_mode():
            total = self.inference(imgs[0], metas[0])
            for img, meta in zip(imgs[1:], metas[1:], strict=True):
                total += self.inference(img, meta)
            return _class_maps(total)

    def _auxiliary_heads(self) -> Iterator[tuple[str, Any, bool]]:
        """Log prefix, head, and whether it receives pixel weights.

        Quirk (docs/methods/segmentor.md#forward-passes): a single auxiliary head does not receive them.
        """
        if isinstance(self.auxiliary_head, nn.ModuleList):
            yield from ((f'aux_{i}', head, True) for i, head in enumerate(self.auxiliary_head))
        elif self.auxiliary_head is not None:
            yield 'aux', self.auxiliary_head, False


def _undo_flip(probabilities: Tensor, meta: Meta) -> Tensor:
    """Flip (B, C, H, W) back if the image was flipped."""
    if not meta.get('flip', False):
        return probabilities
    directions = {'horizontal': 3, 'vertical': 2}
    return probabilities.flip(dims=(directions[meta['flip_direction']],))


def _class_maps(probabilities: Tensor) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """(B, C, H, W) -> B arrays (H, W)."""
    return list(probabilities.argmax(dim=1).cpu().numpy())
