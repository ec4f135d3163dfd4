"""One training run, from a configuration to a finished work folder."""

import shlex
import signal
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg.config import require_sections
from mmseg.config.check import inspect_config
from mmseg.config.imports import modules_of
from mmseg.config.translate import TrainSettings, train_settings
from mmseg.config.writing import config_text
from mmseg.datasets import build_dataset
from mmseg.datasets.loading import build_train_loader
from mmseg.datasets.protocols import ScoredDataset, TrainDataset
from mmseg.engine.agreement import AgreementHook
from mmseg.engine.announce import announce, begin, show_next
from mmseg.engine.best import BestCheckpoint
from mmseg.engine.build import (
    build_trainable,
    check_classes,
    device_of_run,
    load_initial_weights,
    to_dict,
)
from mmseg.engine.checkpoint import choose_start, read_checkpoint
from mmseg.engine.damage import DamageHook
from mmseg.engine.distributed import barrier, in_first, share_initial_state
from mmseg.engine.environment import (
    code_version,
    describe_environment,
    loader_workers,
    open_log,
    seed_everything,
)
from mmseg.engine.evaluate import evaluate_networks, teacher_to_score
from mmseg.engine.hooks import CheckpointHook, EvaluationHook, LogHook, ObserverHook, Scores
from mmseg.engine.log import LogWriter
from mmseg.engine.loop import Batches, Hook, Run, run_loop
from mmseg.engine.optimizer import GuardedOptimWrapper, build_optimizer
from mmseg.engine.parameter_options import scaled_to_batch
from mmseg.engine.report_hook import ReportHook, WriteReport
from mmseg.engine.restart import find_restart, mark_launch
from mmseg.engine.signals import Interrupted
from mmseg.engine.state import restore
from mmseg.engine.trackers import build_trackers
from mmseg.engine.work_folder import choose_work_dir, reserved, save_config
from mmseg.errors import DataError, ResourceError
from mmseg.places import ROOT
from mmseg.processes import Stopped, signal_name, start_tracker
from mmseg.ranks import is_main, rank, world_size
from mmseg.uda.trainable import Trainable
from mmseg.visualization.debug_pictures import DebugPictures, Paint

LookAtData = Callable[[TrainDataset, ScoredDataset | None, Path, bool], None]
"""Called before a run with the data sets of training and evaluations (or None), the work folder, and whether damaged
training data are only warned of; raises DataError. See :mod:`mmseg.toolbox.checking.preflight`."""

PROGRAM = ROOT / 'tools' / 'train.py'


def train(
    cfg: Config,
    *,
    work_dir: str | Path | None = None,
    resume: bool = False,
    resume_from: str | Path | None = None,
    validate: bool = True,
    look: LookAtData | None = None,
    resume_command: str | None = None,
    report: WriteReport | None = None,
) -> Run:
    """Train as a configuration says; returns the finished run (docs/methods/tools.md#training-program).

    The work folder is this process's own from before anything is written there; a configuration that was read from a
    file is kept in it under that name. Processes that torchrun has started again go on by themselves.

    Args:
        cfg: checked configuration (:func:`mmseg.config.load_config`).
        work_dir: where everything is written; default: see :func:`choose_work_dir`.
        resume: go on from the newest checkpoint of ``work_dir``, or from ``cfg.resume_from`` where there is none yet.
        resume_from: go on from this checkpoint; default ``cfg.resume_from``, see
            :func:`mmseg.engine.checkpoint.choose_start`.
        validate: evaluate at the configured intervals.
        look: looks at some pictures and labels first.
        resume_command: what to tell the user to type to go on.
        report: writes the page of a work folder; called after each evaluation unless ``evaluation.report`` is False.

    Raises:
        UserError: anything wrong with configuration, data or checkpoints; a used folder without ``resume``; a loss that
            is not finite.
        Interrupted: the user stopped the run; a checkpoint was saved.
    """
    _require(cfg, validate)
    settings = train_settings(cfg)
    start_tracker()
    folder = choose_work_dir(cfg, work_dir)
    with reserved(folder) if is_main() else nullcontext():
        source = find_restart(folder) or choose_start(folder, resume, resume_from, settings.resume_from)
        saved = read_checkpoint(source) if source else None
        barrier()  # before the first process writes there
        mark_launch(folder)
        if cfg.filename and is_main():
            save_config(cfg, folder / Path(cfg.filename).name)
        run = _ready(cfg, settings, folder, validate, look, saved, source)
        _add_report(run, report if validate else None)
        _run(run, resume_command or default_resume_command(cfg, folder))
        show_next(run, Path(cfg.filename).name if cfg.filename else None)
    return run


def _ready(
    cfg: Config, settings: TrainSettings, folder: Path, validate: bool, look: LookAtData | None, saved: Any,
    source: Path | None,
) -> Run:  # fmt: skip
    """Log, seeds and everything that is built: initialised, or restored from what is saved in ``source``."""
    stamp = time.strftime('%Y%m%d_%H%M%S')
    open_log(folder / f'{stamp}.log' if is_main() else None, settings.log_level, banner=True)
    seed_everything(settings.seed, settings.deterministic)
    run = assemble(cfg, settings, folder, stamp, validate, initialise=saved is None, look=look)
    announce(run)
    if saved is not None:
        restore(run, saved, str(source))
    begin(run, stamp, inspect_config(to_dict(cfg)), source)
    return run


def _run(run: Run, command: str) -> None:
    """Run the loop; if it ends early, say what is saved and that ``command`` goes on."""
    first = run.iteration
    try:
        run_loop(run)
    except (DataError, ResourceError) as error:
        raise type(error)(f'{error} {_whereabouts(run, first, command)}') from error
    except Stopped as stopped:
        raise Stopped(stopped.number, f'{stopped} {_whereabouts(run, first, command)}') from stopped
    barrier()
    if run.stopped:
        number = run.stop.number or signal.SIGTERM
        message = f'Stopped by {signal_name(number)}. {_whereabouts(run, first, command)}'
        raise Interrupted(message if is_main() else '', number)


def _whereabouts(run: Run, first: int, command: str) -> str:
    """What is saved of a run that ended early, and how to go on; it began after iteration ``first``."""
    if run.stopped and run.iteration > first:
        return f'Stopped after iteration {run.iteration}, everything is saved. To go on:\n{command}'
    if run.iteration == first:
        return 'No step was finished, so there was nothing to save: start the run again as before.'
    return (
        f'Iteration {run.iteration} was the last one that was finished; what came after the last checkpoint is not '
        f'saved. To go on from there, if there is one:\n{command}'
    )


def assemble(
    cfg: Config, settings: TrainSettings, folder: Path, stamp: str, validate: bool,
    initialise: bool = True, look: LookAtData | None = None,
) -> Run:  # fmt: skip
    """Build everything a run consists of; nothing has been trained or restored yet.

    Args:
        cfg: checked configuration.
        settings: the same, translated.
        folder: work folder, exists.
        stamp: start of the log files' names.
        validate: add the evaluation hook.
        initialise: initialise weights or load them from ``load_from``; off if a checkpoint follows.
        look: looks at the data first.
    """
    dataset: TrainDataset = build_dataset(settings.train_data)
    scored = _validation_set(settings) if validate and settings.eval_interval > 0 else None
    device = device_of_run()
    if look is not None:
        in_first(lambda: look(dataset, scored, folder, settings.on_error == 'skip'), device)
    trainable = build_trainable(settings, device, initialise)
    check_classes(trainable.student, dataset)
    if scored is not None:
        check_classes(trainable.student, scored)
    if initialise and settings.load_from:
        load_initial_weights(trainable, settings.load_from, dataset.CLASSES, settings.new_classifier)
    share_initial_state(trainable)

    def batches(start: int) -> Batches:
        return build_train_loader(
            dataset, settings.samples_per_gpu, loader_workers(settings.workers), settings.seed, start,
            rank(), world_size(), settings.max_iters, settings.on_error == 'skip', settings.timeout,
            lambda: world_size() == 1 and run.stop.requested,
        )  # fmt: skip

    run = Run(
        trainable=trainable,
        optimizer=_optimizer(trainable, settings),
        settings=settings,
        batches=batches,
        hooks=[],
        work_dir=folder,
        device=device,
        meta=describe_run(settings, folder, config_text(cfg), dataset),
        modules=modules_of(cfg) if str(cfg.filename).endswith('.json') else [],
    )
    run.hooks = _hooks(run, stamp, dataset, scored)
    return run


def _optimizer(trainable: Trainable, settings: TrainSettings) -> GuardedOptimWrapper:
    images = settings.samples_per_gpu * world_size()
    config = scaled_to_batch(settings.optimizer, settings.auto_scale_lr, images)
    return build_optimizer(
        trainable.stored(), config, settings.precision, settings.grad_clip, settings.nan_policy,
        settings.optimizer_sharding,
    )  # fmt: skip


def _add_report(run: Run, report: WriteReport | None) -> None:
    """Let ``report`` follow each evaluation, before the last hook, which saves."""
    if report is not None and run.settings.report:
        run.hooks.insert(-1, ReportHook(report, run.settings.eval_interval))


def _require(cfg: Config, validate: bool) -> None:
    scored = validate and (cfg.get('evaluation') or {}).get('interval', 0) > 0
    require_sections(
        cfg, ['model', 'data.train', *(['data.val'] if scored else []), 'optimizer', 'runner.max_iters']
    )


def _validation_set(settings: TrainSettings) -> ScoredDataset:
    """The data set that is scored during training; missing labels are found now, not after the first thousand steps."""
    dataset: ScoredDataset = build_dataset(settings.val_data, test_mode=True)
    dataset.check_labels()
    return dataset


def _hooks(run: Run, stamp: str, dataset: TrainDataset, scored: ScoredDataset | None) -> list[Hook]:
    """Comparison of processes, log, debug pictures, evaluation, checkpoint, in this order."""
    settings, folder = run.settings, run.work_dir
    name = run.meta['exp_name']
    trackers = (
        build_trackers([hook['type'] for hook in settings.log_hooks], folder, name) if is_main() else []
    )
    writer = LogWriter(folder / f'{stamp}.log.json' if is_main() else None, name, trackers)
    writer.meta(run.meta)
    hooks: list[Hook] = [AgreementHook(settings.compare_ranks), LogHook(writer, settings.log_interval)]
    if settings.on_error == 'skip':
        hooks.append(DamageHook(settings.max_error_share))
    layout = run.trainable.layout()
    if settings.debug_img_interval > 0 and layout is not None and is_main():
        paint = Paint(dataset.PALETTE, settings.normalisation.mean, settings.normalisation.std)
        pictures = DebugPictures(folder, layout, settings.debug_img_interval, paint, writer.picture)
        hooks.append(ObserverHook(pictures))
    if scored is not None:
        workers, teacher = loader_workers(settings.workers), None
        if settings.eval_teacher:
            teacher = teacher_to_score(run.trainable.teacher, settings.save_best, run.logger)

        def evaluate(run: Run) -> tuple[Scores, str]:
            return evaluate_networks(
                run.trainable.student, teacher, scored, workers, metrics=settings.eval_metrics,
                give_up=lambda: run.stop.requested,
            )  # fmt: skip

        best = BestCheckpoint(settings.save_best, settings.best_rule) if settings.save_best else None
        hooks.append(EvaluationHook(evaluate, writer, settings.eval_interval, best))
    hooks.append(
        CheckpointHook(
            settings.checkpoint_interval, settings.max_keep_ckpts, settings.save_last, settings.async_save
        )
    )
    return hooks


def describe_run(settings: TrainSettings, folder: Path, config: str, dataset: TrainDataset) -> dict[str, Any]:
    """What checkpoints and the first log line tell about a run (docs/methods/tools.md#logs, #checkpoints)."""
    return {
        'env_info': describe_environment(),
        'seed': settings.seed,
        'exp_name': settings.name or folder.name,
        'mmseg_version': code_version(),
        'config': config,
        'CLASSES': tuple(str(name) for name in dataset.CLASSES),
        'PALETTE': [[int(value) for value in colour] for colour in dataset.PALETTE],
    }


def default_resume_command(cfg: Config, folder: Path) -> str:
    """The command line that continues a run."""
    return shlex.join([sys.executable, str(PROGRAM), str(cfg.filename), f'--work-dir={folder}', '--resume'])
