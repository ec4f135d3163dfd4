"""What all decode heads share: input selection, classifier, loss (docs/methods/heads.md#base-head)."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError
from mmseg.models.conv import ConvModule
from mmseg.models.initialization import InitConfig, init_head
from mmseg.models.layers import resize
from mmseg.models.losses import accuracy
from mmseg.models.precision import autocast
from mmseg.models.terms import Terms
from mmseg.options import NoOptions, Rate, declared_by, parse
from mmseg.registry import MODELS

CROSS_ENTROPY: dict[str, Any] = {'type': 'CrossEntropyLoss', 'use_sigmoid': False, 'loss_weight': 1.0}


@dataclass(kw_only=True)
class HeadOutput(Terms):
    """Result of a head's training pass: loss 'loss_seg', metric 'acc_seg' (percent), and what they come from.

    Attributes:
        logits: (B, num_classes, h, w) at the head's resolution.
        embedding: (B, D, h, w), what dropout and classifier receive.
    """

    logits: Tensor
    embedding: Tensor


@dataclass(frozen=True, kw_only=True)
class HeadOptions(NoOptions):
    """Options of every decode head.

    Attributes:
        in_channels: channels of the selected feature map, or a list of them.
        channels: channels of the embedding.
        num_classes: number of classes C.
        dropout_ratio: probability in [0, 1) of dropping a channel in front of the classifier.
        norm_cfg, act_cfg: normalisation and activation of the ConvModules, e.g. ``dict(type='BN')``; None: no
            normalisation, and ReLU.
        in_index: which feature map, or which ones.
        loss_decode: configuration of the loss; None: cross-entropy.
        ignore_index: label without loss.
        sampler: configuration of a pixel sampler; its weights replace the pixel weights.
        align_corners: of every bilinear resize.
        init_cfg: what :meth:`BaseDecodeHead.init_weights` does, see :mod:`mmseg.models.initialization`; None:
            :attr:`BaseDecodeHead.INIT`.
    """

    in_channels: int | Sequence[int]
    channels: int
    num_classes: int
    dropout_ratio: Rate = 0.1
    norm_cfg: Mapping[str, Any] | None = None
    act_cfg: Mapping[str, Any] | None = None
    in_index: int | Sequence[int] = -1
    loss_decode: Mapping[str, Any] | None = None
    ignore_index: int = 255
    sampler: Mapping[str, Any] | None = None
    align_corners: bool = False
    init_cfg: InitConfig | None = None


def head_problems(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with options of a decode head that have the right types; sentences begin with the option."""
    channels, classes = options.get('channels'), options.get('num_classes')
    inputs: Any = options.get('in_channels')
    index: Any = options.get('in_index')
    found = []
    for key, value in (('channels', channels), ('num_classes', classes), ('in_channels', inputs)):
        if value is not None and min(value if isinstance(value, list | tuple) else [value], default=0) < 1:
            found.append(f'{key}: found {value}; expected whole numbers of at least 1.')
    lists = [value for value in (inputs, index) if isinstance(value, list | tuple)]
    if len(lists) == 2 and len(inputs) != len(index):
        found.append(
            f'in_channels: found {list(inputs)} for in_index {list(index)}; expected one number for each.'
        )
    return found


class BaseDecodeHead(nn.Module, ABC):
    """Decode head: ``embed`` turns features into one map, ``classify`` turns that into logits.

    Args:
        options: by name, see :attr:`Options`.

    Attributes:
        Options: dataclass of the options.
        input_transform: None (one map), 'multiple_select' (list of maps) or 'resize_concat' (resized to the first
            one's size and concatenated).
        INIT: ``init_cfg`` if none is given.

    Raises:
        ConfigError: an option is unknown, missing or of another type.
    """

    Options: ClassVar[type[HeadOptions]] = HeadOptions
    input_transform: ClassVar[Literal['multiple_select', 'resize_concat'] | None] = None
    INIT: ClassVar[Mapping[str, Any]] = {
        'type': 'Normal', 'std': 0.01, 'override': {'name': 'conv_seg'}
    }  # fmt: skip
    problems = staticmethod(head_problems)

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = parsed = parse(self.Options, options, f'{type(self).__name__}.{{}}'.format)
        self.in_index = parsed.in_index
        self.in_channels = parsed.in_channels
        self.channels = parsed.channels
        self.num_classes = parsed.num_classes
        self.norm_cfg = parsed.norm_cfg
        self.act_cfg = {'type': 'ReLU'} if parsed.act_cfg is None else parsed.act_cfg
        self.ignore_index = parsed.ignore_index
        self.align_corners = parsed.align_corners
        self.loss_decode = MODELS.build(CROSS_ENTROPY if parsed.loss_decode is None else parsed.loss_decode)
        self.sampler = None if parsed.sampler is None else MODELS.build(parsed.sampler)
        self.conv_seg = nn.Conv2d(parsed.channels, parsed.num_classes, 1)
        self.dropout = nn.Dropout2d(parsed.dropout_ratio) if parsed.dropout_ratio > 0 else None
        self.build_layers()

    @classmethod
    def declared(cls) -> Mapping[str, tuple[Any, bool]]:
        """Options for the check of configurations."""
        return declared_by(cls.Options)

    def build_layers(self) -> None:
        """Make the layers besides ``conv_seg`` and dropout."""

    def init_weights(self) -> None:
        """Initialise what ``init_cfg`` names; the rest keeps the values of its construction."""
        init_head(self, self.INIT if self.options.init_cfg is None else self.options.init_cfg)

    def conv_module(self, in_channels: int, out_channels: int, kernel_size: int) -> ConvModule:
        """A ConvModule with this head's norm and activation that keeps the size of its input (odd kernels)."""
        return ConvModule(
            in_channels,
            out_channels,
            kernel_size,
            padding=kernel_size // 2,
            norm_cfg=self.norm_cfg,
            act_cfg=self.act_cfg,
        )

    def select_inputs(self, features: Sequence[Tensor]) -> Any:
        """The feature map(s) this head works on: a tensor, or a list with 'multiple_select'.

        Raises:
            ConfigError: their channels are not ``in_channels``.
        """
        if self.input_transform is None:
            assert isinstance(self.in_index, int)
            self._check_levels(len(features))
            self._check_channels([features[self.in_index]])
            return features[self.in_index]
        assert not isinstance(self.in_index, int)
        self._check_levels(len(features))
        chosen = [features[i] for i in self.in_index]
        self._check_channels(chosen)
        if self.input_transform == 'multiple_select':
            return chosen
        size = (chosen[0].shape[2], chosen[0].shape[3])
        return torch.cat([resize(x, size, self.align_corners) for x in chosen], dim=1)

    def output_stride(self, strides: Sequence[int]) -> int:
        """Pixels per logit if the maps of the encoder have these strides: that of the finest map looked at."""
        return strides[self.in_index if isinstance(self.in_index, int) else self.in_index[0]]

    def _check_levels(self, count: int) -> None:
        levels = [self.in_index] if isinstance(self.in_index, int) else self.in_index
        if any(not -count <= level < count for level in levels):
            raise ConfigError(
                f'{type(self).__name__} has in_index {self.in_index}, but the encoder gives {count} feature maps, 0 to '
                f'{count - 1}. Choose among them, and set in_channels to match.'
            )

    def _check_channels(self, chosen: Sequence[Tensor]) -> None:
        found = [x.shape[1] for x in chosen]
        declared = [self.in_channels] if isinstance(self.in_channels, int) else list(self.in_channels)
        if declared not in (found, [sum(found)]):
            raise ConfigError(
                f'{type(self).__name__} has in_channels {declared} at in_index {self.in_index}, but the encoder gives '
                f'{found}. Write these numbers into in_channels of decode_head, or choose another backbone.'
            )

    @abstractmethod
    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """Feature list -> (B, channels, h, w), what dropout and classifier receive."""

    def classify(self, embedding: Tensor) -> Tensor:
        """(B, channels, h, w) -> logits (B, num_classes, h, w)."""
        if self.dropout is not None:
            embedding = self.dropout(embedding)
        logits: Tensor = self.classifier()(embedding)
        return logits

    @property
    def embedding_channels(self) -> int:
        """Channels of the embedding."""
        return self.channels

    def classifier(self) -> nn.Module:
        """The last layer, (B, channels, h, w) -> (B, num_classes, h, w)."""
        return self.conv_seg

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Feature list -> logits (B, num_classes, h, w) at the head's resolution."""
        return self.classify(self.embed(features))

    def forward_train(
        self, features: Sequence[Tensor], label: Tensor, weight: Tensor | None = None
    ) -> HeadOutput:
        """Logits, losses and embedding in one pass; arguments as :meth:`losses`."""
        embedding = self.embed(features)
        logits = self.classify(embedding)
        return HeadOutput(*self.losses(logits, label, weight).parts(), logits=logits, embedding=embedding)

    def losses(self, logits: Tensor, label: Tensor, weight: Tensor | None = None) -> Terms:
        """Loss and accuracy at the label's resolution, in float32 whatever the precision of ``logits``.

        Args:
            logits: (B, num_classes, h, w).
            label: int64 (B, 1, H, W), class ids or ``ignore_index``.
            weight: (B, H, W) pixel weights in [0, 1], or None for 1. A sampler, if set, replaces them.

        Returns:
            Loss 'loss_seg', metric 'acc_seg' (percent of all pixels).
        """
        label = label.squeeze(1)
        with autocast(logits, 'fp32'):
            logits = resize(logits.float(), (label.shape[1], label.shape[2]), self.align_corners)
            if self.sampler is not None:
                weight = self.sampler(logits, label, self.loss_decode, self.ignore_index)
            loss = self.loss_decode(logits, label, weight=weight, ignore_index=self.ignore_index)
            return Terms({'loss_seg': loss}, {'acc_seg': accuracy(logits.detach(), label)})
