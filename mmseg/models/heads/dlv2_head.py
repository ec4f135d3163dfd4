"""DeepLab-V2 head: sum of dilated classifiers (Chen et al., 2016, arXiv:1606.00915; docs/methods/heads.md#dlv2head)."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmseg.models.conv import ConvModule
from mmseg.models.heads.base import BaseDecodeHead
from mmseg.models.initialization import InitConfig
from mmseg.options import AtLeastOne, Several
from mmseg.registry import MODELS

ASPP_INIT: dict[str, Any] = {'type': 'Normal', 'std': 0.01, 'override': {'name': 'aspp_modules'}}


@MODELS.register_module()
class DLV2Head(BaseDecodeHead):
    """3x3 classifiers of several dilations, summed; no hidden layer, no dropout, no norm.

    Args:
        in_channels, in_index: channels and position of the feature level.
        num_classes, loss_decode, sampler, ignore_index, align_corners: see
            :class:`~mmseg.models.heads.base.BaseDecodeHead`.
        dilations: one classifier each.
        init_cfg: default: weights of ``aspp_modules`` normal(0, 0.01), biases 0.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        dilations: Several[AtLeastOne] = (6, 12, 18, 24),
        in_index: int = -1,
        loss_decode: Mapping[str, Any] | None = None,
        ignore_index: int = 255,
        sampler: Mapping[str, Any] | None = None,
        align_corners: bool = False,
        init_cfg: InitConfig | None = None,
    ) -> None:
        super().__init__(
            in_channels, 1, num_classes, dropout_ratio=0.0, in_index=in_index, loss_decode=loss_decode,
            ignore_index=ignore_index, sampler=sampler, align_corners=align_corners,
            init_cfg=ASPP_INIT if init_cfg is None else init_cfg,
        )  # fmt: skip
        del self.conv_seg
        self.aspp_modules = nn.ModuleList(
            ConvModule(in_channels, num_classes, 3, padding=rate, dilation=rate) for rate in dilations
        )

    @property
    def embedding_channels(self) -> int:
        assert isinstance(self.in_channels, int)
        return self.in_channels

    def embed(self, features: Sequence[Tensor]) -> Tensor:
        """The selected feature map (B, in_channels, h, w) itself."""
        selected: Tensor = self.select_inputs(features)
        return selected

    def classify(self, embedding: Tensor) -> Tensor:
        first, *others = self.aspp_modules
        logits: Tensor = first(embedding)
        for branch in others:
            logits += branch(embedding)
        return logits
