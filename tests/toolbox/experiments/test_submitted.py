"""The record of submitted runs."""

from dataclasses import replace
from pathlib import Path

from mmseg.toolbox.experiments.submitted import Submitted, note, noted

RUN = Submitted('a', '12_0', 'slurm', 'work_dirs/slurm-exp7/a', 40, 1)


def test_a_run_is_noted_with_its_newest_job(tmp_path: Path) -> None:
    assert noted(tmp_path) == []
    other = replace(RUN, run='b', job='12_1')
    note(tmp_path, [RUN, other])
    again = replace(RUN, job='15_0')
    note(tmp_path, [again])
    assert noted(tmp_path) == [other, again]
