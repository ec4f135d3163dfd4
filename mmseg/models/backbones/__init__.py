"""Encoders: image -> list of feature maps."""

from mmseg.models.backbones.mit import MixVisionTransformer
from mmseg.models.backbones.resnest import ResNeSt
from mmseg.models.backbones.resnet import ResNet, ResNetV1c, ResNetV1d
from mmseg.models.backbones.resnext import ResNeXt
from mmseg.models.backbones.timm_backbone import TimmBackbone

__all__ = [
    'MixVisionTransformer',
    'ResNeSt',
    'ResNeXt',
    'ResNet',
    'ResNetV1c',
    'ResNetV1d',
    'TimmBackbone',
]
