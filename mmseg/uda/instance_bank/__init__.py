"""The instance bank of DIDA."""

from mmseg.uda.instance_bank.part import InstanceConsistency

__all__ = ['InstanceConsistency']
