"""Adaptation methods and the parts they are composed of."""

from mmseg.uda.adversarial import AdvSeg
from mmseg.uda.method import DACS
from mmseg.uda.min_entropy import MinEnt

__all__ = ['DACS', 'AdvSeg', 'MinEnt']
