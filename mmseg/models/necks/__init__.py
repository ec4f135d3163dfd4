"""Modules between encoder and decode head."""

from mmseg.models.necks.segformer_adapter import SegFormerAdapter

__all__ = ['SegFormerAdapter']
