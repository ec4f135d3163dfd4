"""Segmentors: encoder, neck and head with their inference modes."""

from mmseg.models.segmentors.encoder_decoder import EncoderDecoder, SegmentorOutput

__all__ = ['EncoderDecoder', 'SegmentorOutput']
