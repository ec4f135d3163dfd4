"""Repeat one step of a run and find where in it a number stops being finite."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmseg.batch import on_device
from mmseg.config.translate import train_settings
from mmseg.engine.checkpoint import read_checkpoint
from mmseg.engine.checkpoint_files import iteration_of, numbered
from mmseg.engine.finite import RECORD, not_finite
from mmseg.engine.loop import Run, one_step, pictures_of
from mmseg.engine.state import collect, restore
from mmseg.engine.train import assemble
from mmseg.errors import CheckpointError, DataError, UsageError
from mmseg.fileio import below, read_json
from mmseg.toolbox.prediction.runs import configs_in
from mmseg.uda.trainable import Trainable


@dataclass
class Replay:
    """What a repeated step showed.

    Attributes:
        iteration: its number, from 1.
        start: iteration that the repetition began after.
        pictures: files of its batch.
        values: log values.
        inputs: tensors of the batch that are not finite.
        before: the first tensor of the state before the step that is not finite, if one is not.
        layer: the first layer whose output is not finite.
        gradient: the first parameter, in the order of the backward pass, whose gradient is not.
        after: the first tensor of the state after the step that is not finite.
    """

    iteration: int
    start: int
    pictures: list[str] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    before: str | None = None
    layer: str | None = None
    gradient: str | None = None
    after: str | None = None


def find_config(work_dir: Path) -> Path:
    """The configuration that a run has left in its folder.

    Raises:
        UsageError: there is none, or more than one.
    """
    found = configs_in(work_dir)
    if len(found) != 1:
        names = ', '.join(path.name for path in found) or 'none'
        raise UsageError(
            f'{work_dir}: expected one configuration, found {names}. Name it with --config FILE.'
        )
    return found[0]


def find_step(work_dir: Path) -> tuple[int, Path | None]:
    """Iteration of the newest step that was not finite, and the checkpoint of everything before it, if it was kept.

    Raises:
        UsageError: no step of the run was found not to be finite.
        DataError: what the run has written about it is damaged.
    """
    records = sorted(work_dir.glob(f'{RECORD}*.json'), key=lambda path: path.stat().st_mtime)
    if not records:
        raise UsageError(
            f'{work_dir}: holds no {RECORD}N.json, so no step of this run has stopped being finite. Name the step '
            'to repeat with --iteration N.'
        )
    record = read_json(records[-1])
    try:
        iteration, state = int(record['iteration']), record.get('state')
        return iteration, None if state is None else below(work_dir, state, records[-1])
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(
            f'{records[-1]}: no record of a step ({type(error).__name__}: {error}). Name the step with --iteration N.'
        ) from error


def find_start(work_dir: Path, iteration: int) -> Path | None:
    """The newest checkpoint from before an iteration (from 1), None if the run has to be repeated from its start."""
    before = [path for path in numbered(work_dir) if iteration_of(path) < iteration]
    return before[-1] if before else None


def replay(cfg: Config, iteration: int, start: Path | None) -> Replay:
    """Repeat a step of a run; steps between the checkpoint and it are repeated first.

    On the same machine, with the same number of processes, everything is bit for bit as it was. Nothing is written.

    Args:
        cfg: checked configuration of the run.
        iteration: number of the step, from 1.
        start: checkpoint from before it; None: the initial weights.

    Raises:
        CheckpointError: the checkpoint is from after the step.
    """
    settings = replace(train_settings(cfg), workers=0, log_hooks=(), debug_img_interval=0)
    with tempfile.TemporaryDirectory() as folder:
        run = assemble(cfg, settings, Path(folder), 'replay', validate=False, initialise=start is None)
    if start is not None:
        restore(run, read_checkpoint(start), str(start))
    if run.iteration >= iteration:
        raise CheckpointError(
            f'{start}: was saved after iteration {run.iteration}, too late to repeat iteration {iteration}. Name an '
            'earlier one with --from FILE.'
        )
    return repeat(run, iteration)


def repeat(run: Run, iteration: int) -> Replay:
    """Advance a run to before an iteration (from 1) and watch its step; see :func:`replay`."""
    found = Replay(iteration, run.iteration)
    run.trainable.train()
    for loaded in run.batches(run.iteration):
        batch = on_device(loaded, run.device, run.settings.channels_last)
        if run.iteration == iteration - 1:
            break
        one_step(run, batch)
    found.pictures = pictures_of(batch)
    found.inputs = [name for name, value in batch.items() if _spoilt(value)]
    found.before = not_finite(collect(run), run)
    with _watching(run.trainable, found):
        logged = one_step(run, batch)
    found.values = {name: value.float().item() for name, value in logged.items()}
    found.after = not_finite(collect(run), run)
    return found


def _spoilt(value: Any) -> bool:
    """Whether a value is or holds a tensor that is not finite."""
    if isinstance(value, list | tuple):
        return any(map(_spoilt, value))
    return isinstance(value, Tensor) and value.is_floating_point() and not bool(value.isfinite().all())


@contextmanager
def _watching(trainable: Trainable, found: Replay) -> Iterator[None]:
    """Note the first layer and the first gradient that are not finite."""

    def layer(name: str) -> Any:
        def after(module: nn.Module, inputs: Any, output: Any) -> None:
            if found.layer is None and _spoilt(output):
                found.layer = f'{name} ({type(module).__name__})'

        return after

    def gradient(name: str) -> Any:
        def after(parameter: Tensor) -> None:
            if found.gradient is None and _spoilt(parameter.grad):
                found.gradient = name

        return after

    handles: list[RemovableHandle] = [
        module.register_forward_hook(layer(name))
        for name, module in trainable.stored().named_modules()
        if not any(module.children())
    ]
    handles += [
        parameter.register_post_accumulate_grad_hook(gradient(name))
        for name, parameter in trainable.stored().named_parameters()
        if parameter.requires_grad
    ]
    yield
    for handle in handles:
        handle.remove()
