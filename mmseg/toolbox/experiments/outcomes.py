"""What finished runs scored, from what they leave in their work folders: configuration, logs, tested results."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mmengine.config import Config

from mmseg.config import load_config
from mmseg.engine.checkpoint_files import iteration_of, numbered
from mmseg.errors import UsageError, UserError
from mmseg.toolbox.experiments.generate import compose_all
from mmseg.toolbox.experiments.jobs import WORK_DIRS
from mmseg.toolbox.experiments.table import TABLE, find_experiment
from mmseg.toolbox.prediction.runs import find_config
from mmseg.toolbox.reports.logs import LOG_ENDING, RunLog, find_logs, read_logs
from mmseg.toolbox.reports.results import load_result

NETWORKS = ('student', 'teacher')
IOU = 'IoU.'
STAMP = re.compile(r'^\d{6}_\d{4}_(.*)_[0-9a-f]{5}$')
"""Names of runs that ``run_experiments.py`` started; the middle is the published one."""
OF_EXPERIMENT = re.compile(r'-exp(?P<id>[\w-]+?)$')
"""Folders of the runs of an experiment; those of start-up tests are none."""


@dataclass(frozen=True)
class Outcome:
    """Scores of one finished run.

    Attributes:
        setting: published name without the seed.
        seed: of the run.
        experiment: id, or '' for a folder that no experiment made.
        folder: work folder.
        class_iou: IoU in percent by class, by network ('student', 'teacher'); NaN where a class is absent.
        sources: by network, where they come from: 'test' (tools/test.py) or 'log' (validation after the last step).
    """

    setting: str
    seed: int
    experiment: str
    folder: Path
    class_iou: Mapping[str, Mapping[str, float]]
    sources: Mapping[str, str]


@dataclass(frozen=True)
class LeftOut:
    """A run that is not counted, and why."""

    folder: Path
    reason: str


def read_outcomes(what: Sequence[str]) -> tuple[list[Outcome], list[LeftOut]]:
    """The finished runs of experiments or folders, those of the newest date for each seed, and the others.

    Args:
        what: ids of experiments, work folders, or folders of work folders.

    Raises:
        UsageError: one of them is neither, or there is no run in it.
    """
    outcomes: dict[tuple[str, str, int], Outcome] = {}
    left: list[LeftOut] = []
    folders = dict.fromkeys(folder.resolve() for name in what for folder in _folders(name))
    for folder in sorted(folders, key=lambda path: (path.name, path.parent)):
        try:
            found = _read(folder)
        except UserError as error:
            left.append(LeftOut(folder, str(error)))
            continue
        if isinstance(found, LeftOut):
            left.append(found)
            continue
        key = (found.experiment, found.setting, found.seed)
        if key in outcomes:
            left.append(LeftOut(outcomes[key].folder, f'there is a newer run of seed {found.seed}'))
        outcomes[key] = found
    asked = [found.experiment for folder in folders for found in outcomes.values() if found.folder == folder]
    return sorted(outcomes.values(), key=lambda run: (asked.index(run.experiment), *_place(run))), left


def _place(run: Outcome) -> tuple[int, str, int]:
    """Order within an experiment: that of its table; by name where there is none."""
    settings = settings_of(run.experiment) if run.experiment else []
    place = settings.index(run.setting) if run.setting in settings else len(settings)
    return place, run.setting, run.seed


@cache
def settings_of(experiment: str) -> list[str]:
    """Names of an experiment's settings, without seeds, in the published order."""
    names = (setting_of(cfg['name'], cfg['seed']) for cfg in compose_all(find_experiment(experiment)))
    return list(dict.fromkeys(names))


def progress(folder: Path, cfg: Config) -> tuple[int, int, RunLog | None]:
    """Iterations that a run has logged or saved, those it is to have, and its log if there is one.

    Raises:
        DataError: the log is damaged.
    """
    saved = [iteration_of(path) for path in numbered(folder)]
    log = read_logs(find_logs(folder)) if any(folder.glob('*' + LOG_ENDING)) else None
    logged = [curve[-1][0] for curve in (log.curves().values() if log else ()) if curve]
    return max([*saved, *logged], default=0), int(cfg.runner.max_iters), log


def setting_of(name: str, seed: int) -> str:
    """The published name of a setting, from that of one of its runs."""
    stamped = STAMP.match(name)
    return re.sub(rf'[_-](?:s|seed){seed}$', '', stamped[1] if stamped else name)


def experiment_of(folder: Path) -> str:
    """Id of the experiment that made a run, by the name of the folder of its runs; '' for others."""
    found = OF_EXPERIMENT.search(folder.parent.name)
    return found['id'] if found and found['id'] in TABLE else ''


def _read(folder: Path) -> Outcome | LeftOut:
    cfg = load_config(find_config(folder), check=False)
    done, length, log = progress(folder, cfg)
    if done < length:
        return LeftOut(folder, f'{done} of {length} iterations are done')
    scores, sources = {}, {}
    for network in NETWORKS:
        tested = folder / f'result_{network}.json'
        if tested.is_file():
            scores[network], sources[network] = load_result(tested).class_iou, 'test'
    validated = _validated(log, length)
    if 'student' not in scores and validated:
        scores['student'], sources['student'] = validated, 'log'
    if not scores:
        return LeftOut(
            folder,
            f'no scores of iteration {length}, neither in the log nor of tools/test.py. Expected an evaluation there, '
            f'or: python tools/test.py {find_config(folder)} {folder / "latest.pth"} --eval mIoU',
        )
    seed = int(cfg.get('seed') or 0)
    name = str(cfg.get('name') or folder.name)
    return Outcome(setting_of(name, seed), seed, experiment_of(folder), folder, scores, sources)


def _validated(log: RunLog | None, length: int) -> dict[str, float]:
    """IoU by class of an evaluation after the last iteration; empty if there was none."""
    curves = log.evaluation if log else {}
    return {
        name.removeprefix(IOU): curve[-1][1]
        for name, curve in curves.items()
        if name.startswith(IOU) and curve[-1][0] >= length and not math.isnan(curve[-1][1])
    }


def _folders(name: str) -> Iterator[Path]:
    """Work folders of an experiment, or below a path."""
    path = Path(name)
    if path.is_dir():
        found = [path] if _is_run(path) else [folder for folder in sorted(path.iterdir()) if _is_run(folder)]
        expected = 'the work folder of a run, or a folder of such folders'
    elif name in TABLE:
        found = folders_of(name)
        expected = f'runs of `python run_experiments.py --exp {name}` in {WORK_DIRS}'
    elif path.exists() or '/' in name:
        raise UsageError(f'{name}: expected the id of an experiment or a folder that is there.')
    else:
        find_experiment(name)  # names the nearest id
    if not found:
        raise UsageError(f'{name}: found no run; expected {expected}.')
    yield from found


def folders_of(experiment: str) -> list[Path]:
    """Work folders of an experiment's runs, on whatever machine they were started; start-up tests left out."""
    exp = find_experiment(experiment).id
    return [
        folder
        for parent in sorted(WORK_DIRS.glob(f'*-exp{exp}'))
        if experiment_of(parent / 'run') == exp
        for folder in sorted(parent.iterdir())
        if _is_run(folder)
    ]


def _is_run(folder: Path) -> bool:
    """Whether a folder has been trained in."""
    return folder.is_dir() and any((*folder.glob('*' + LOG_ENDING), *folder.glob('*.pth')))
