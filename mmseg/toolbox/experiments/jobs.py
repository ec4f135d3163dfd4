"""Runs to be made: names, folders and generated configuration files (docs/methods/experiments.md#launcher)."""

import json
import os
import re
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mmseg import config
from mmseg.config.files import SHIPPED, configs_folder, is_shipped
from mmseg.config.literals import BASE_KEY
from mmseg.engine.checkpoint_files import checkpoints
from mmseg.errors import ConfigError, UsageError, nearest
from mmseg.fileio import atomic_write
from mmseg.toolbox.experiments import find_experiment
from mmseg.toolbox.experiments.generate import LOG_ERRORS_ONLY, Values, compose_all
from mmseg.toolbox.experiments.submitted import noted

GENERATED, WORK_DIRS = Path('configs/generated'), Path('work_dirs')


@dataclass(frozen=True)
class ClusterOptions:
    """How jobs are submitted to a cluster.

    Attributes:
        kind: 'slurm', or 'local': submitit's processes on this machine, to try it.
        partition: of the cluster; None leaves it to its default.
        minutes: time limit of one job; a run that needs more is queued again and goes on.
        cpus: cores of each process; None: its loader processes and one.
        further: other options of sbatch, by name.
        wait: whether to show the runs until all have ended.
    """

    kind: str
    partition: str | None = None
    minutes: int = 24 * 60
    cpus: int | None = None
    further: dict[str, str] = field(default_factory=dict)
    wait: bool = False


@dataclass(frozen=True)
class LaunchOptions:
    """What the command line asks for besides the experiment.

    Attributes:
        debug: log every 10 iterations, evaluate every 200, draw debug pictures every 10.
        startup_test: two iterations of every setting, seed 0 only.
        builtin_data: start-up test on drawn scenes, without pretrained weights and with small crops.
        only: names or patterns of the runs to keep; empty keeps all.
        resume: go on with the newest run of the same name instead of starting a new one.
        cfg_options: values to override, by dotted key.
        custom_imports: modules that are imported already and that other processes need, too.
        dry_run: nothing is trained: settings as they are shipped are not checked, which would take seconds.
        machine: prefix of the folder of the runs.
        gpus: how many GPUs are used; runs that go on at the same time share them evenly, and each run has one process
            a GPU. 0: none, even if there are some.
            On a cluster: GPUs of one run.
        jobs: how many runs go on at the same time; on a cluster 0 sets no limit.
        cluster: where runs are submitted to; None trains them here.
        command: how to type this call again, to tell the user how to go on.
    """

    debug: bool = False
    startup_test: bool = False
    builtin_data: bool = False
    only: tuple[str, ...] = ()
    resume: bool = False
    cfg_options: dict[str, Any] = field(default_factory=dict)
    custom_imports: tuple[str, ...] = ()
    dry_run: bool = False
    machine: str = 'local'
    gpus: int = 1
    jobs: int = 1
    cluster: ClusterOptions | None = None
    command: str = ''


@dataclass(frozen=True)
class Job:
    """One run.

    Attributes:
        exp: experiment it belongs to.
        name: published name.
        unique: name with date and random suffix; names file and folder.
        folder: folder of the experiment's runs.
        config: what is trained; ``_base_`` is relative to the folder configs/.
        resumed: an earlier run that is continued.
    """

    exp: int | str
    name: str
    unique: str
    folder: str
    config: Values
    resumed: bool = False

    @property
    def file(self) -> Path:
        """The generated configuration file."""
        return GENERATED / self.folder / f'{self.unique}.json'

    @property
    def work_dir(self) -> Path:
        """Where the run writes."""
        return WORK_DIRS / self.folder / self.unique

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return int(self.config.get('seed') or 0)


def plan_experiment(exp: int | str, options: LaunchOptions) -> list[Job]:
    """The runs of an experiment in the published order.

    Raises:
        UsageError: unknown id, or ``only`` matches nothing.
        ConfigError: the configurations are wrong, for instance by ``cfg_options``.
    """
    experiment = find_experiment(exp)
    folder = f'{options.machine}-exp{experiment.id}' + ('-startup' if options.startup_test else '')
    return _jobs(_only(compose_all(experiment), options.only), experiment.exp, folder, options)


def plan_config(path: Path, options: LaunchOptions) -> list[Job]:
    """The run of a configuration file: a child of it with name, work folder and git revision.

    The generated file is data, which cannot name Python files of others as its base, so it holds all values of these.

    Raises:
        ConfigError: the file is missing or wrong.
    """
    base = config.load_config(path)
    name, exp = str(base.get('name') or path.stem), base.get('exp', 'basic')
    child = path.suffix == '.json' or is_shipped(path)
    whole = {BASE_KEY: [os.path.relpath(path, configs_folder())]} if child else config.resolved(base)
    cfg: Values = {**whole, 'name': name}
    folder = f'{options.machine}-{_folder_name(exp, "exp")}' + ('-startup' if options.startup_test else '')
    return _jobs(_only([cfg], options.only), exp, folder, options)


def with_flags(cfg: Values, options: LaunchOptions) -> Values:
    """A generated configuration with the changes of ``--debug``, ``--startup-test`` and ``--cfg-options``."""
    cfg = json.loads(json.dumps(cfg))
    if options.debug:
        cfg['log_config'] = {**cfg.get('log_config', {}), 'interval': 10}
        cfg['evaluation'] = {'interval': 200, 'metric': 'mIoU'}
        whole = config.load_config(cfg)
        if 'dacs' in cfg['name'] or 'debug_img_interval' in whole.get('uda', {}):
            cfg['uda'] = {**cfg.get('uda', {}), 'debug_img_interval': 10}
        if 'img_interval' in whole.get('log_config', {}):
            cfg['log_config']['img_interval'] = 10
    if options.startup_test:
        cfg['log_level'] = LOG_ERRORS_ONLY
        cfg['runner'] = {'type': 'IterBasedRunner', 'max_iters': 2}
        cfg['evaluation'] = {**cfg.get('evaluation', {}), 'interval': 100}
        cfg['checkpoint_config'] = {'by_epoch': False, 'interval': 100, 'save_last': False}
    return _with_options(cfg, options.cfg_options)


def write_job(job: Job) -> None:
    """Write the generated file of a new run; a resumed one has its file already."""
    if job.resumed:
        return
    stamp = {'name': job.unique, 'work_dir': str(job.work_dir), 'git_rev': git_revision()}
    content = {**job.config, **stamp}
    if BASE_KEY in content:
        bases = (configs_folder() / name for name in content[BASE_KEY])
        content[BASE_KEY] = [os.path.relpath(base, job.file.parent) for base in bases]
    job.file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(job.file) as temporary:
        Path(temporary).write_text(json.dumps(content, indent=4), encoding='utf-8')


def git_revision() -> str:
    """Full hash of the checked-out revision, or 'unknown'."""
    command = ['git', 'rev-parse', 'HEAD']
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return 'unknown'
    return found.stdout.strip() or 'unknown'


def _jobs(configs: list[Values], exp: int | str, folder: str, options: LaunchOptions) -> list[Job]:
    jobs = [_job(cfg, exp, folder, options) for cfg in configs]
    changed = options.cfg_options or configs_folder().resolve() != SHIPPED
    if changed or not options.dry_run:
        for values in {
            json.dumps({**job.config, 'seed': 0, 'name': ''}): job.config for job in jobs
        }.values():
            config.load_config(values)
    return jobs


def describe(jobs: list[Job], as_json: bool) -> list[str]:
    """What ``--dry-run`` prints: a line a run, names only or one JSON object with the generated configuration."""
    if not as_json:
        return [job.name for job in jobs]
    return [json.dumps({'exp': job.exp, 'name': job.name, 'config': job.config}) for job in jobs]


def _folder_name(value: object, key: str) -> str:
    """A value as part of the names of folders and files; raises ConfigError for one that leads elsewhere."""
    text = str(value)
    if not text.strip('. ') or re.search(r'[/\\\0\n]', text):
        raise ConfigError(
            f'{key}: found {value!r}, which names the folder of the run; expected a text without / and \\ that is not '
            'only dots. The folder that holds the runs is work_dirs in the current folder.'
        )
    return text


def _job(cfg: Values, exp: int | str, folder: str, options: LaunchOptions) -> Job:
    name = _folder_name(cfg['name'], 'name')
    earlier = _earlier(folder, name) if options.resume else None
    unique = earlier or f'{time.strftime("%y%m%d_%H%M")}_{name}_{str(uuid.uuid4())[:5]}'
    return Job(exp, name, unique, folder, with_flags(cfg, options), earlier is not None)


def _earlier(folder: str, name: str) -> str | None:
    """The newest run of this name that has a file, and a checkpoint or a job of a cluster, which may still wait."""
    submitted = {run.run for run in noted(WORK_DIRS / folder)}
    pattern = re.compile(rf'\d{{6}}_\d{{4}}_{re.escape(name)}_[0-9a-f]{{5}}')
    found = [
        path
        for path in (WORK_DIRS / folder).glob('*')
        if pattern.fullmatch(path.name)
        and (checkpoints(path) or path.name in submitted)
        and (GENERATED / folder / f'{path.name}.json').is_file()
    ]
    return max(found, key=lambda path: (path.name[:11], path.stat().st_mtime)).name if found else None


def _only(configs: list[Values], patterns: tuple[str, ...]) -> list[Values]:
    kept = [c for c in configs if not patterns or any(fnmatchcase(c['name'], p) for p in patterns)]
    if not kept:
        names = [cfg['name'] for cfg in configs]
        raise UsageError(
            f'--only {" ".join(patterns)}: no run has this name{nearest(patterns[0], names)}. Patterns with * are '
            'possible; `--dry-run` shows all names.'
        )
    return kept


def _with_options(cfg: Values, options: dict[str, Any]) -> Values:
    """Command-line values written into the configuration itself, so that the run's file is complete."""
    indexed = {key: value for key, value in options.items() if any(p.isdigit() for p in key.split('.'))}
    for key, value in options.items():
        if key not in indexed:
            _set(cfg, key.split('.'), value)
    merged = config.resolved(config.load_config(cfg, indexed)) if indexed else {}
    for section in {key.split('.')[0] for key in indexed}:
        cfg[section] = {'_delete_': True, **merged[section]}
    return cfg


def _set(values: Values, parts: list[str], value: Any) -> None:
    for part in parts[:-1]:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigError(f'Option {".".join(parts)}: {part} is {inner!r}, not a dict.')
        values = inner
    values[parts[-1]] = value
