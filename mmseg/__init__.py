"""Unsupervised domain adaptation for semantic segmentation: DAFormer and its relatives as parts that combine."""

__version__ = '0.1.0'
