"""Adaptation methods and the parts they are composed of."""

from mmseg.uda.method import DACS

__all__ = ['DACS']
