"""The experiment table: every id of ``run_experiments.py --exp``.

A published setting is a row of its paper's module; a paper is a module listed here.
"""

from mmseg.errors import UsageError
from mmseg.toolbox.experiments import daformer, dida, hrda, mic, own
from mmseg.toolbox.experiments.rows import Experiment

PAPERS = (own, daformer, dida, hrda, mic)
TABLE: dict[str, Experiment] = {e.id: e for paper in PAPERS for e in paper.EXPERIMENTS}


def find_experiment(name: int | str) -> Experiment:
    """The experiment with this id.

    Raises:
        UsageError: there is none; names the nearest ones.
    """
    experiment = TABLE.get(str(name))
    if experiment is None:
        raise UsageError(
            f'No experiment has the id {str(name)!r}; there are {", ".join(TABLE)}. '
            'See `python run_experiments.py --list`.'
        )
    return experiment
