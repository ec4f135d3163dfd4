"""Adaptation methods and the parts they are composed of."""

from mmseg.uda.adversarial import AdvSeg
from mmseg.uda.feature_distance import FeatureDistance
from mmseg.uda.frozen_encoder import FrozenEncoderDistance
from mmseg.uda.instance_bank.part import InstanceConsistency
from mmseg.uda.masking import MaskedConsistency
from mmseg.uda.min_entropy import MinEnt
from mmseg.uda.part import Part
from mmseg.uda.self_training import DACS
from mmseg.uda.supervised import Supervised

__all__ = [
    'DACS',
    'AdvSeg',
    'FeatureDistance',
    'FrozenEncoderDistance',
    'InstanceConsistency',
    'MaskedConsistency',
    'MinEnt',
    'Part',
    'Supervised',
]
