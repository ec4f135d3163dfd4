"""Networks: encoders, heads, segmentors, losses, weights."""

from collections.abc import Mapping
from typing import Any

from mmseg.errors import building
from mmseg.models import backbones, heads, losses, necks, samplers
from mmseg.models.segmentors import EncoderDecoder, SegmentorOutput
from mmseg.registry import MODELS

__all__ = [
    'EncoderDecoder',
    'SegmentorOutput',
    'backbones',
    'build_segmentor',
    'heads',
    'losses',
    'necks',
    'samplers',
]


def build_segmentor(cfg: Mapping[str, Any]) -> EncoderDecoder:
    """Build the segmentor that ``model`` of a configuration describes. Weights are not initialised yet.

    Raises:
        ConfigError: values that do not fit one another.
    """
    with building('model'):
        segmentor: EncoderDecoder = MODELS.build(dict(cfg))
    return segmentor
