"""The record of what was submitted to a cluster, in the folder of an experiment's runs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mmseg.fileio import atomic_write, read_json

RECORD = 'submitted.json'


@dataclass(frozen=True)
class Submitted:
    """A run that was submitted.

    Attributes:
        run: its name.
        job: id of the job.
        kind: 'slurm' or 'local'.
        work_dir: of the run.
        total: iterations that it is to have.
        tasks: processes of the job.
    """

    run: str
    job: str
    kind: str
    work_dir: str
    total: int
    tasks: int


def noted(folder: Path) -> list[Submitted]:
    """The runs that were submitted from a folder, each with its newest job."""
    path = folder / RECORD
    return [Submitted(**entry) for entry in read_json(path)] if path.is_file() else []


def note(folder: Path, submitted: Sequence[Submitted]) -> None:
    """Add runs to the record, in place of earlier jobs of the same ones."""
    names = {run.run for run in submitted}
    kept = [run for run in noted(folder) if run.run not in names]
    with atomic_write(folder / RECORD) as temporary:
        text = json.dumps([asdict(run) for run in [*kept, *submitted]], indent=1)
        Path(temporary).write_text(text, encoding='utf-8')
