"""What a run says of itself: a banner before the first step, what to type after the last one."""

import logging
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mmseg.arguments import COMMAND, called_by_name
from mmseg.config.check import Report
from mmseg.config.imports import OPTION
from mmseg.config.translate import TrainSettings
from mmseg.engine.environment import BANNER, code_version
from mmseg.engine.loop import Run
from mmseg.places import ROOT
from mmseg.ranks import world_size

logger = logging.getLogger('mmseg')


def announce(run: Run) -> None:
    """The details of a run, which the log file has: machine, configuration, network."""
    logger.info(f'Environment info:\n{run.meta["env_info"]}')
    logger.debug('Config:\n%s', run.meta['config'])
    logger.debug('%s', run.trainable)
    logger.info(f'{type(run.trainable).__name__}: {_size(run)}, device {run.device}')
    logger.info(f'Set random seed to {run.settings.seed}, deterministic: {run.settings.deterministic}')
    logger.info(f'Start running, work_dir: {run.work_dir}, max: {run.max_iters} iters')


def announce_report(report: Report) -> None:
    """What a check of the configuration noticed: keys without effect in one line, doubts as warnings."""
    if report.notes:
        keys = ', '.join(note.split(':')[0] for note in report.notes)
        logger.info(f'Without effect here: {keys}')
    for doubt in report.warnings:
        logger.warning(doubt)


def begin(run: Run, stamp: str, report: Report, source: Path | None) -> None:
    """The banner, and what else a terminal should show of the start; from here on it shows what the log file has.

    Args:
        run: built and restored.
        stamp: start of the log files' names.
        report: of a check of the configuration.
        source: checkpoint that it goes on from, or None.
    """
    logger.info('\n'.join(banner(run, stamp)), extra={BANNER: True})
    announce_report(report)
    if source is not None:
        logger.info(f'Resumed from {source} at iteration {run.iteration}')


def banner(run: Run, stamp: str) -> list[str]:
    """What is about to happen, in at most ten lines."""
    settings = run.settings
    images = f'{settings.samples_per_gpu} images a step and domain'
    if world_size() > 1:
        images += f' in each of {world_size()} processes'
    rates = f'{settings.optimizer.get("type")} {settings.optimizer.get("lr", 0.0):g}'
    facts = {
        'method': f'{type(run.trainable).__name__}, {_network(settings.model)}, {_size(run)}',
        'data': named_data(settings.train_data),
        'start': _start(settings) if run.iteration == 0 else '',
        'steps': f'{run.iteration + 1} to {run.max_iters}, {images}',
        'numbers': f'{rates}, {settings.precision}, seed {settings.seed}',
        'device': _device(run.device),
        'every': _intervals(settings),
        'folder': f'{run.work_dir} (details: {stamp}.log)',
        'stop': 'Ctrl-C finishes the step, saves, and prints the command that goes on',
    }
    head = f'{COMMAND} {code_version()}: {run.meta.get("exp_name", settings.name)}'
    return [head, *(f'  {name:<8}{fact}' for name, fact in facts.items() if fact)]


def _start(settings: TrainSettings) -> str:
    """The checkpoint whose weights a run begins with, if it is told one."""
    anew = '; layers that tell classes apart begin anew' if settings.new_classifier else ''
    return f'weights of {settings.load_from}{anew}' if settings.load_from else ''


def _size(run: Run) -> str:
    count = sum(parameter.numel() for parameter in run.trainable.parameters() if parameter.requires_grad)
    return f'{count / 1e6:.2f} M trained parameters'


def _network(model: Mapping[str, Any]) -> str:
    parts = (model.get(name) for name in ('backbone', 'decode_head'))
    return ' + '.join(str(part['type']) for part in parts if isinstance(part, Mapping) and 'type' in part)


def _device(device: torch.device) -> str:
    if device.type == 'cuda':
        return f'{device}, {torch.cuda.get_device_name(device)}'
    return f'{device}, {torch.get_num_threads()} threads'


def _intervals(settings: TrainSettings) -> str:
    """Steps between what happens now and then; what never does is left out."""
    intervals = {
        'log line': settings.log_interval,
        'evaluation': settings.eval_interval if settings.val_data is not None else 0,
        'checkpoint': settings.checkpoint_interval,
        'pictures': settings.debug_img_interval,
    }
    return ', '.join(
        f'{name} {steps}' for name, steps in intervals.items() if 0 < steps <= settings.max_iters
    )


def named_data(data: Any) -> str:
    """Types and places of the data sets of a configuration, e.g. 'GTADataset data/gta -> CityscapesDataset ...'."""
    if isinstance(data, list | tuple):
        return ' + '.join(map(named_data, data))
    if not isinstance(data, Mapping):
        return ''
    if 'source' in data:
        return ' -> '.join(
            filter(None, (named_data(data[domain]) for domain in ('source', 'target') if domain in data))
        )
    root = data.get('data_root') or data.get('img_dir') or ''
    return f'{data.get("type", "")} {root if isinstance(root, str) else ", ".join(map(str, root))}'.strip()


def show_next(run: Run, config: str | None) -> None:
    """After the last step: what to type to score, show and export the network, with the paths of this run.

    Args:
        run: finished.
        config: name of the configuration file; None if the run was not made from one.
    """
    checkpoint = run.work_dir / 'latest.pth'
    if config is None or not checkpoint.exists():
        return
    lines = '\n'.join(f'  {command}' for command in next_commands(run.work_dir, config, run.modules))
    logger.info(f'Finished: {checkpoint}. To score it, show it on a page, and take it elsewhere:\n{lines}')


def next_commands(folder: Path, config: str, modules: list[str]) -> list[str]:
    """Command lines for the finished run of a folder, in the order in which they can be typed.

    Args:
        folder: of the run.
        config: name of the configuration in it.
        modules: that programs must import first, see :attr:`mmseg.engine.loop.Run.modules`.
    """
    both = [str(folder / config), str(folder / 'latest.pth')]
    words = {
        'test': [*both, '--eval', 'mIoU'],
        'report': [str(folder)],
        'export': [*both, '--out', str(folder / 'network.onnx')],
    }
    imports = [OPTION, *modules] if modules else []
    return [shlex.join([*program(name), *given, *imports]) for name, given in words.items()]


def program(name: str) -> list[str]:
    """The words that start ``tools/NAME.py`` as this program was started."""
    if called_by_name():
        return [COMMAND, name]
    path = ROOT / 'tools' / f'{name}.py'
    here = Path.cwd()
    interpreter = sys.orig_argv[0] if sys.orig_argv else sys.executable
    return [interpreter, os.path.relpath(path, here) if path.is_relative_to(here) else str(path)]
