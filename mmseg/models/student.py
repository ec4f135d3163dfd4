"""The network as the loop and the methods see it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from mmseg.batch import Meta
from mmseg.models.detail_crop import Box
from mmseg.models.heads.base import BaseDecodeHead
from mmseg.models.levels import Levels
from mmseg.models.segmentors.outputs import Prediction, Seen, SegmentorOutput
from mmseg.streams import StreamSource


class Segmentor(Protocol):
    """What a test needs of a network."""

    def simple_test(self, img: Tensor, metas: Sequence[Meta]) -> list[NDArray[np.int64]]:
        """Class maps (H, W) of a batch (B, 3, h, w)."""

    def aug_test(self, imgs: Sequence[Tensor], metas: Sequence[Sequence[Meta]]) -> list[NDArray[np.int64]]:
        """Class maps of the mean over versions of a batch."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """The weights; they tell the device."""

    def eval(self) -> object:
        """Switch to evaluation mode."""


class Student(Segmentor, Protocol):
    """What training needs of a network; :class:`mmseg.models.segmentors.EncoderDecoder` tells what each does.

    Attributes:
        backbone: encoder.
        decode_head: decoder.
        levels: channels and strides of the encoder's maps.
        precision: 'fp32', 'bf16' or 'fp16'.
    """

    backbone: nn.Module
    decode_head: BaseDecodeHead
    levels: Levels
    precision: str

    @property
    def num_classes(self) -> int:
        """Number of classes."""

    @property
    def head_names(self) -> list[str]:
        """'main' and the log prefixes of auxiliary heads."""

    @property
    def token_size(self) -> int:
        """Side in pixels of a cell of the encoder's deepest map."""

    def init_weights(self) -> None:
        """Load or draw the weights."""

    def forward_train(
        self, img: Tensor, label: Tensor, weight: Tensor | None = None, draws: StreamSource | None = None
    ) -> SegmentorOutput:
        """Losses of a batch."""

    def forward_logits(
        self, img: Tensor, draws: StreamSource | None = None
    ) -> tuple[dict[str, Tensor], Seen]:
        """Logits of a batch without labels, with their gradient."""

    def domain_logits(self, logits: Tensor, size: Sequence[int]) -> Tensor:
        """Logits at the size at which domains are compared."""

    def generate_pseudo_label(self, img: Tensor) -> Tensor:
        """Logits of whole images."""

    def predict_with_embedding(self, img: Tensor, detail: bool = False) -> Prediction:
        """The same with what they come from."""

    def extract_views(self, img: Tensor, boxes: Sequence[Box | None]) -> list[list[Tensor]]:
        """Features of views of images."""

    def view_images(self, img: Tensor, boxes: Sequence[Box | None]) -> list[Tensor]:
        """These views."""

    def state_dict(self) -> dict[str, Any]:
        """Weights and buffers by key."""

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> object:
        """Take them over."""
