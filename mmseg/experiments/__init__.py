"""Published experiments by id, and their launcher (spec/experiments.md)."""

from mmseg.experiments.generate import Values, compose_all
from mmseg.experiments.table import TABLE, available_rows, find_experiment


def generate_experiment_cfgs(id: int | str) -> list[Values]:
    """The configurations of an experiment in the published order.

    Rows whose network or data set is not part of this version are left out.

    Args:
        id: a number, or a name such as 'daformer-7'.

    Returns:
        One plain dict a run; ``_base_`` is relative to the folder configs/.

    Raises:
        UsageError: unknown id.
    """
    experiment = find_experiment(id)
    return compose_all(experiment, available_rows(experiment))


__all__ = ['TABLE', 'available_rows', 'find_experiment', 'generate_experiment_cfgs']
