"""Configurations of the published experiments: ``generate_experiment_cfgs(id)``."""

from mmseg.toolbox.experiments import generate_experiment_cfgs

__all__ = ['generate_experiment_cfgs']
