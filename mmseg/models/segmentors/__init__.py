"""Segmentors: encoder, neck and head with their inference modes."""

from mmseg.models.segmentors.encoder_decoder import EncoderDecoder, SegmentorOutput
from mmseg.models.segmentors.hrda import HRDAEncoderDecoder

__all__ = ['EncoderDecoder', 'HRDAEncoderDecoder', 'SegmentorOutput']
