"""Encoders: image -> list of feature maps."""

from mmseg.models.backbones.mit import MixVisionTransformer
from mmseg.models.backbones.resnet import ResNet, ResNetV1c
from mmseg.models.backbones.timm_backbone import TimmBackbone

__all__ = ['MixVisionTransformer', 'ResNet', 'ResNetV1c', 'TimmBackbone']
