"""The instance bank and its consistency loss (DIDA; Yao and Li, arXiv:2307.07972; docs/methods/dida.md)."""

from mmseg.uda.instance_bank.part import InstanceConsistency, build_instances

__all__ = ['InstanceConsistency', 'build_instances']
