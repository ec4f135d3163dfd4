"""What another process needs to train a run: its configuration, in its work folder."""

from dataclasses import dataclass
from pathlib import Path

from mmseg.config import load_config
from mmseg.config.imports import modules_of
from mmseg.engine.checkpoint import find_latest
from mmseg.engine.checkpoint_files import checkpoints
from mmseg.engine.work_folder import reserved, save_config
from mmseg.toolbox.experiments.jobs import Job, LaunchOptions


@dataclass(frozen=True)
class Handed:
    """A run that is ready to be trained elsewhere.

    Attributes:
        config: complete configuration, in ``work_dir``.
        work_dir: its folder.
        total: iterations that it is to have.
        workers: loader processes.
        modules: to be imported before the configuration is read.
        finished: there is nothing left to do.
    """

    config: Path
    work_dir: Path
    total: int
    workers: int
    modules: tuple[str, ...]
    finished: bool = False


def hand_over(job: Job, options: LaunchOptions) -> Handed:
    """Put the configuration of a run into its work folder, unless the run is finished.

    Raises:
        UserError: the configuration cannot be used, or another process trains in the folder.
    """
    cfg = load_config(job.file, options.cfg_options if job.resumed else None)
    total = int(cfg.runner.max_iters)
    begun = job.resumed and bool(checkpoints(job.work_dir))
    finished = begun and find_latest(job.work_dir).name == f'iter_{total}.pth'
    config = job.work_dir / job.file.name
    if not finished:
        with reserved(job.work_dir):  # until the other process, which takes it over, can read it there
            save_config(cfg, config)
    modules = tuple(dict.fromkeys([*modules_of(cfg), *options.custom_imports]))
    return Handed(config, job.work_dir, total, int(cfg.data.get('workers_per_gpu', 0)), modules, finished)
