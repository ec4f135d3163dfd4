"""Decode heads."""

from mmseg.models.heads.aspp_head import ASPPHead, DepthwiseSeparableASPPHead
from mmseg.models.heads.base import BaseDecodeHead, HeadOutput
from mmseg.models.heads.da_head import DAHead
from mmseg.models.heads.daformer_head import DAFormerHead
from mmseg.models.heads.dlv2_head import DLV2Head
from mmseg.models.heads.fcn_head import FCNHead
from mmseg.models.heads.hrda_head import HRDAHead
from mmseg.models.heads.isa_head import ISAHead
from mmseg.models.heads.psp_head import PSPHead
from mmseg.models.heads.segformer_head import SegFormerHead
from mmseg.models.heads.uper_head import UPerHead

__all__ = [
    'ASPPHead',
    'BaseDecodeHead',
    'DAFormerHead',
    'DAHead',
    'DLV2Head',
    'DepthwiseSeparableASPPHead',
    'FCNHead',
    'HRDAHead',
    'HeadOutput',
    'ISAHead',
    'PSPHead',
    'SegFormerHead',
    'UPerHead',
]
