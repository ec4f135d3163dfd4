"""Scores, tables and files of predictions (spec/data.md 3.4, 3.5)."""

from mmseg.evaluation.metrics import METRICS, Scores, confusion, evaluate, scores

__all__ = ['METRICS', 'Scores', 'confusion', 'evaluate', 'scores']
