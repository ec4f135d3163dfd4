"""Decode heads."""

from mmseg.models.heads.base import BaseDecodeHead, HeadOutput
from mmseg.models.heads.daformer_head import DAFormerHead
from mmseg.models.heads.dlv2_head import DLV2Head
from mmseg.models.heads.hrda_head import HRDAHead
from mmseg.models.heads.segformer_head import SegFormerHead

__all__ = ['BaseDecodeHead', 'DAFormerHead', 'DLV2Head', 'HRDAHead', 'HeadOutput', 'SegFormerHead']
