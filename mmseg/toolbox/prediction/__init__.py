"""Predicting pictures and films of one's own; :mod:`mmseg.apis` names what programs use."""
