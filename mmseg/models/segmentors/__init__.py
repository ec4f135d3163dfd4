"""Segmentors: encoder, neck and head with their inference modes."""

from mmseg.models.segmentors.encoder_decoder import EncoderDecoder
from mmseg.models.segmentors.hrda import HRDAEncoderDecoder
from mmseg.models.segmentors.outputs import SegmentorOutput

__all__ = ['EncoderDecoder', 'HRDAEncoderDecoder', 'SegmentorOutput']
