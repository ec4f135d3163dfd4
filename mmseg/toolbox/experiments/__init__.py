"""Published experiments by id, and their launcher (docs/methods/experiments.md)."""

from mmseg.toolbox.experiments.generate import Values, compose_all
from mmseg.toolbox.experiments.table import TABLE, find_experiment


def generate_experiment_cfgs(id: int | str) -> list[Values]:
    """The configurations of an experiment in the published order.

    Args:
        id: a number, or a name such as 'daformer-7'.

    Returns:
        One plain dict a run; ``_base_`` is relative to the folder configs/.

    Raises:
        UsageError: unknown id.
    """
    return compose_all(find_experiment(id))


__all__ = ['TABLE', 'find_experiment', 'generate_experiment_cfgs']
