"""ResNeXt encoder: grouped 3x3 convolutions (Xie et al., 2017, arXiv:1611.05431; docs/methods/encoders.md#resnext)."""

from mmseg.models.backbones.resnet import ResNet
from mmseg.models.backbones.resnet_options import Stages
from mmseg.registry import MODELS


@MODELS.register_module()
class ResNeXt(ResNet):
    """ResNet with a plain stem and 32 groups of 4 channels (in the first stage); arguments as :class:`ResNet`."""

    STAGES = Stages(groups=32, base_width=4)
