"""Runs as a report sees them: a folder with logs, and what tests have left beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmseg.errors import DataError
from mmseg.evaluation.metrics import TEACHER
from mmseg.toolbox.reports.logs import LOG_ENDING, RunLog, read_logs
from mmseg.toolbox.reports.results import RunResult, load_result

NETWORKS = ('student', 'teacher')
RESULTS = tuple(f'result_{network}.json' for network in NETWORKS)


@dataclass(frozen=True)
class RunFolder:
    """One training run.

    Attributes:
        folder: its work folder.
        title: its name, unique within a report.
        log: its curves, those before a resume included.
        meta: what its log says about it: ``seed``, ``mmseg_version``, ``env_info``, ``config`` ...; may be empty.
        results: of its tests, student before teacher; empty while it is not tested.
    """

    folder: Path
    title: str
    log: RunLog = field(default_factory=RunLog)
    meta: dict[str, Any] = field(default_factory=dict)
    results: tuple[RunResult, ...] = ()

    @property
    def iteration(self) -> int:
        """The last one that the log tells of; 0 if none."""
        return max((series[-1][0] for series in self.log.curves().values() if series), default=0)

    @property
    def scored(self) -> tuple[RunResult, ...]:
        """The results, else those of the last evaluation during training, if there was one."""
        return self.results or validation_results(self)


def find_run_folders(paths: Sequence[Path]) -> tuple[list[RunFolder], list[str]]:
    """The runs in folders or anywhere below them, in that order, with titles that differ.

    Returns:
        The runs, and what was wrong with those that cannot be read and with folders that hold none.

    Raises:
        DataError: there is no run that can be read, or a path is no folder.
    """
    found = {path: _runs_below(path) for path in paths}
    problems = [str(_nothing_in(path)) for path, below in found.items() if not below]
    folders = list(dict.fromkeys(folder for below in found.values() for folder in below))
    runs: list[RunFolder] = []
    for folder in folders:
        try:
            runs.append(read_run_folder(folder))
        except DataError as error:
            problems.append(str(error))
    if not runs:
        raise DataError(' '.join(problems))
    return _told_apart(runs), problems


def read_run_folder(folder: Path) -> RunFolder:
    """Log and results of one run.

    Raises:
        DataError: it has neither, or one of them is damaged.
    """
    logs = sorted(folder.glob('*' + LOG_ENDING))
    results = tuple(load_result(folder / name) for name in RESULTS if (folder / name).is_file())
    if not logs and not results:
        raise _nothing_in(folder)
    log, meta = _log_of(logs, results)
    title = results[0].title if results else str(meta.get('exp_name') or folder.name)
    return RunFolder(folder, title, log, meta, results)


def validation_results(run: RunFolder) -> tuple[RunResult, ...]:
    """The last evaluation during training as results of the student and, where it was scored, its teacher."""
    scores = {name: series[-1] for name, series in run.log.evaluation.items() if series}
    at = max((iteration for iteration, _ in scores.values()), default=0)
    note = f'evaluated during training, after iteration {at}; not tested yet'
    networks = []
    for network, start in (('student', 'IoU.'), ('teacher', f'{TEACHER}IoU.')):
        classes = {
            name.removeprefix(start): value for name, (_, value) in scores.items() if name.startswith(start)
        }
        if classes:
            networks.append(RunResult(run.title, classes, network=network, note=note))
    return tuple(networks)


def shown_results(runs: Sequence[RunFolder]) -> list[tuple[RunFolder, RunResult]]:
    """Every scored network with its run; the titles of teachers say so, and all titles differ."""
    found = []
    for run in runs:
        for result in run.scored:
            marked = '' if result.network == 'student' else f' ({result.network})'
            found.append((run, replace(result, title=run.title + marked)))
    return found


def has_scores(run: RunFolder) -> bool:
    """Whether something is known about how good a run is."""
    return any(not math.isnan(result.miou) for result in run.scored)


def _runs_below(path: Path) -> list[Path]:
    """The folder itself if it is a run, else the runs below it, if there are any."""
    if not path.is_dir():
        raise DataError(
            f'{path} is no folder. Expected the work folder of a run, or a folder of such folders.'
        )
    if _is_run(path):
        return [path]
    files = (file for pattern in (f'*{LOG_ENDING}', 'result_*.json') for file in path.rglob(pattern))
    return sorted({file.parent for file in files if _is_run(file.parent)})


def _is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in RESULTS) or any(folder.glob('*' + LOG_ENDING))


def _nothing_in(folder: Path) -> DataError:
    return DataError(
        f'{folder} holds no *{LOG_ENDING} and no {" or ".join(RESULTS)}. Train first, or test the run: '
        f'python tools/test.py CONFIG {folder}/latest.pth --eval mIoU'
    )


def _log_of(logs: Sequence[Path], results: Sequence[RunResult]) -> tuple[RunLog, dict[str, Any]]:
    """The curves and the head of the logs in the folder, else of the log that a result names and that is there."""
    elsewhere = [result.log_file for result in results if result.log_file and result.log_file.is_file()]
    paths = list(logs) or elsewhere[:1]
    return (read_logs(paths), log_head(paths)) if paths else (RunLog(), {})


def log_head(logs: Sequence[Path]) -> dict[str, Any]:
    """What the newest log that begins with facts about the run says."""
    for path in reversed(logs):
        with path.open(encoding='utf-8', errors='replace') as file:
            line = file.readline()
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict) and 'mode' not in entry:
            return entry
    return {}


def _told_apart(runs: Sequence[RunFolder]) -> list[RunFolder]:
    """Runs of one title get the names of their folders, those of one name the way to them."""
    titles = [run.title for run in runs]
    names = [f'{run.title} [{run.folder.name}]' if titles.count(run.title) > 1 else run.title for run in runs]
    ways = [
        f'{run.title} [{run.folder}]' if names.count(name) > 1 else name
        for run, name in zip(runs, names, strict=True)
    ]
    return [replace(run, title=way) for run, way in zip(runs, ways, strict=True)]
