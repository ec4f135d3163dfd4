"""The experiment table: every id of ``run_experiments.py --exp``.

A published setting is a row of its paper's module; a paper is a module listed here.
"""

from functools import cache

from mmseg.config.load import configs_folder
from mmseg.errors import UsageError
from mmseg.experiments import daformer, dida, hrda, mic, own
from mmseg.experiments.architecture import BACKBONES
from mmseg.experiments.generate import base_files
from mmseg.experiments.rows import AnyRow, Experiment, FileRow
from mmseg.registry import MODELS

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


def available_rows(experiment: Experiment) -> tuple[AnyRow, ...]:
    """The rows whose base files and networks exist in this version, in order."""
    return tuple(row for row in experiment.rows if is_available(row))


@cache
def is_available(row: AnyRow) -> bool:
    """True if the row's files and its backbone exist (a model file exists only with its decoder)."""
    if not all((configs_folder() / name).is_file() for name in base_files(row)):
        return False
    if isinstance(row, FileRow):
        return True
    kind = BACKBONES[row.backbone.removesuffix('-del')][1].get('type', 'ResNetV1c')
    return MODELS.get(kind) is not None
