"""DeepLab-V2 head: sum of dilated classifiers (Chen et al., 2016, arXiv:1606.00915; docs/methods/heads.md#dlv2head)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from mmseg.models.conv import ConvModule
from mmseg.models.heads.base import BaseDecodeHead, HeadOptions
from mmseg.options import AtLeastOne, Several
from mmseg.registry import MODELS

ASPP_INIT: dict[str, Any] = {'type': 'Normal', 'std': 0.01, 'override': {'name': 'aspp_modules'}}


@dataclass(frozen=True, kw_only=True)
class DLV2Options(HeadOptions):
    """Options of :class:`DLV2Head`, besides those of every head.

    Attributes:
        in_channels, in_index: channels and position of the feature level.
        dilations: one classifier each.
        channels, dropout_ratio, norm_cfg, act_cfg: fixed, there is no hidden layer.
    """

    in_channels: int
    in_index: int = -1
    dilations: Several[AtLeastOne] = (6, 12, 18, 24)
    channels: int = field(default=1, init=False)
    dropout_ratio: float = field(default=0.0, init=False)
    norm_cfg: None = field(default=None, init=False)
    act_cfg: None = field(default=None, init=False)


@MODELS.register_module()
class DLV2Head(BaseDecodeHead):
    """3x3 classifiers of several dilations, summed; no hidden layer, no dropout, no norm.

    Arguments: :class:`DLV2Options`; without ``init_cfg`` weights of ``aspp_modules`` are normal(0, 0.01), biases 0.
    """

    Options = DLV2Options
    options: DLV2Options
    INIT = ASPP_INIT

    def build_layers(self) -> None:
        options = self.options
        del self.conv_seg
        self.aspp_modules = nn.ModuleList(
            ConvModule(options.in_channels, self.num_classes, 3, padding=rate, dilation=rate)
            for rate in options.dilations
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
