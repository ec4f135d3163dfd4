"""Scores, tables and files of predictions (docs/methods/datasets.md#scores, #prediction-files)."""

from mmseg.evaluation.metrics import METRICS, Scores, confusion, evaluate, scores

__all__ = ['METRICS', 'Scores', 'confusion', 'evaluate', 'scores']
