"""Initialisation of heads by the published ``init_cfg`` dialect."""

from collections.abc import Mapping
from typing import Any

from mmengine.model import initialize
from torch import nn

from mmseg.models.conv import ConvModule


def init_head(head: nn.Module, init_cfg: Mapping[str, Any] | None) -> None:
    """Initialise a decode head (spec/models.md 4): direct ConvModule children are re-drawn (Kaiming), then what
    ``init_cfg`` names, e.g. ``dict(type='Normal', std=0.01, override=dict(name='conv_seg'))``. Everything else keeps
    the values of its construction.
    """
    for child in head.children():
        if isinstance(child, ConvModule):
            child.init_weights()
    if init_cfg is not None:
        initialize(head, dict(init_cfg))
