"""Decode heads."""

from mmseg.models.heads.base import BaseDecodeHead, HeadOutput
from mmseg.models.heads.daformer_head import DAFormerHead

__all__ = ['BaseDecodeHead', 'DAFormerHead', 'HeadOutput']
