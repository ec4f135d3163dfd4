"""Encoders: image -> list of feature maps."""

from mmseg.models.backbones.mit import MixVisionTransformer

__all__ = ['MixVisionTransformer']
