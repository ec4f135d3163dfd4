"""Nothing that is not finite is saved: the host's look at what :mod:`mmseg.models.guard` has flagged on the device."""

import json
import math
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, NoReturn

from torch import Tensor, distributed

from mmseg.config.imports import OPTION
from mmseg.engine.checkpoint import write_checkpoint
from mmseg.engine.distributed import any_rank
from mmseg.engine.log_window import LoggedStep
from mmseg.engine.loop import Run
from mmseg.engine.optimizer import ScaledOptimWrapper
from mmseg.engine.state import collect
from mmseg.errors import TrainingError
from mmseg.fileio import atomic_write
from mmseg.models.guard import BUFFERS, GRADIENTS, LOSSES, WATCHED, WEIGHTS, all_finite
from mmseg.ranks import is_main, world_size

SKIPPED = 'skipped_steps'
"""Where a run's memory counts the steps that ``nan_policy='skip'`` left out."""

RECORD = 'nonfinite_iter_'
"""Start of the names of what is kept of a step, followed by its number: .json and, if everything is as before, .pth."""

SENTENCES = {
    LOSSES: 'a log value of another process is not finite',
    WATCHED: "what a part's function correct made of the teacher's probabilities is not finite",
    BUFFERS: 'a buffer (running statistics, bank) or a weight of the teacher is not finite',
    GRADIENTS: 'the losses are finite, but their gradient is not',
    WEIGHTS: "the losses and gradients are finite, but a weight or the optimizer's state after the step is not",
}
ADVICE = (
    'Look at the inputs of that iteration (labels, normalisation), lower optimizer.lr, use precision="fp32", or leave '
    'such steps out with nan_policy="skip". Nothing that is not finite was saved, and no older checkpoint was deleted '
    'since.'
)


@dataclass(frozen=True)
class Problem:
    """A step that is not finite.

    Attributes:
        iteration: its number, from 1.
        what: a sentence without a full stop.
        files: pictures of its batch.
        undone: everything is as before that step.
        processes: how many take part in the run.
        state: name of the checkpoint of everything as before the step, None if there is none.
    """

    iteration: int
    what: str
    files: tuple[str, ...] = ()
    undone: bool = False
    processes: int = 1
    state: str | None = None


def sound_contents(run: Run) -> dict[str, Any]:
    """What a checkpoint holds, after the steps since the last look and every number in it were found finite.

    The host waits for the device. With ``nan_policy='skip'`` steps that are not finite (and were undone) are named in
    the log and counted, up to ``nan_limit``.

    Raises:
        TrainingError: something is not finite; what is needed to repeat the step (tools/replay_batch.py) was kept.
    """
    _look_at_steps(run)
    contents = collect(run)
    name = not_finite(contents, run)
    if any_rank(name is not None, run.device):
        what = f'{name or "something in another process"} is not finite'
        _fail(run, Problem(run.iteration, what, tuple(run.pictures)))
    return contents


def _look_at_steps(run: Run) -> None:
    scaler = run.optimizer.loss_scaler if isinstance(run.optimizer, ScaledOptimWrapper) else None
    skip, settings = run.settings.nan_policy == 'skip', run.settings
    for step in run.metrics.read():
        place = _first_flag(step, scaled=scaler is not None)
        if place is None:
            continue
        what = next((f'{k} is {v}' for k, v in step.own.items() if not math.isfinite(v)), SENTENCES[place])
        if place == WEIGHTS and (name := not_finite(collect(run), run)):
            what += f' ({name})'
        undone = place != WEIGHTS and (not skip or step.iteration == run.iteration)
        problem = _of_all_processes(Problem(step.iteration, what, step.files, undone, world_size()))
        if not skip or place == WEIGHTS:
            _fail(run, problem)
        run.memory[SKIPPED] = run.memory.get(SKIPPED, 0) + 1
        run.logger.warning(
            f'Iteration {problem.iteration} was left out (number {run.memory[SKIPPED]} of at most '
            f'{settings.nan_limit}): {problem.what}. Pictures: {", ".join(problem.files)}'
        )
        if run.memory[SKIPPED] > settings.nan_limit:
            _fail(
                run, replace(problem, what=f'more than {settings.nan_limit} steps left out: {problem.what}')
            )
    if scaler is not None and scaler.get_scale() < 1:
        _fail(run, Problem(run.iteration, 'the gradients overflow float16 whatever the loss is scaled by'))


def _first_flag(step: LoggedStep, scaled: bool) -> int | None:
    """The first reason why a step is not sound; overflows are no reason where losses are scaled."""
    places = (LOSSES, BUFFERS) + (() if scaled else (GRADIENTS,)) + (WATCHED, WEIGHTS)
    return next((place for place in places if step.flags[place]), None)


def _of_all_processes(problem: Problem) -> Problem:
    """The problem of the process that knows its term; every process comes here for the same step."""
    if world_size() == 1:
        return problem
    found: list[Any] = [None] * world_size()
    distributed.all_gather_object(found, problem)
    return next((one for one in found if one.what not in SENTENCES.values()), found[0])


def not_finite(contents: Mapping[str, Any], run: Run) -> str | None:
    """The first tensor of a checkpoint's contents that is not finite, None if all are."""
    tensors = dict(_tensors(contents))
    if all_finite(tensors.values()):
        return None
    names = [name for name, _ in run.trainable.stored().named_parameters()]
    place = next(place for place, tensor in tensors.items() if not tensor.isfinite().all())
    part, *path = place
    if part == 'optimizer':
        return f"the optimizer's {path[-1]} of {names[path[1]]}"
    return '.'.join(map(str, path))


def _tensors(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Tensor]]:
    """Tensors of real numbers in nested dicts and lists, with the keys that lead to them."""
    if isinstance(value, Tensor) and value.is_floating_point():
        yield place, value.detach()
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _tensors(entry, (*place, key))
    elif isinstance(value, list | tuple):
        for number, entry in enumerate(value):
            yield from _tensors(entry, (*place, number))


def _fail(run: Run, problem: Problem) -> NoReturn:
    """Keep what is needed to repeat the step, then stop."""
    contents = None
    if problem.undone:
        run.trainable.iteration = problem.iteration - 1
        contents = collect(run)
    if is_main():
        with suppress(OSError, TrainingError):  # a full disk must not hide what happened
            problem = _keep(run, problem, contents)
    pictures = f' Pictures of the batch: {", ".join(problem.files)}.' if problem.files else ''
    kept = (
        f' The step was undone; {problem.state} holds everything as it was before.' if problem.state else ''
    )
    modules = [OPTION, *run.modules] if run.modules else []
    command = shlex.join(['python', 'tools/replay_batch.py', str(run.work_dir), *modules])
    raise TrainingError(
        f'{problem.what} at iteration {problem.iteration}; training cannot go on with a value that is not finite.'
        f'{pictures}{kept} "{command}" repeats the step and says where it begins. '
        f'{ADVICE}'
    )


def _keep(run: Run, problem: Problem, contents: Mapping[str, Any] | None) -> Problem:
    """Write ``nonfinite_iter_N.json`` and, where everything is as before step N, ``nonfinite_iter_N.pth``."""
    path = run.work_dir / f'{RECORD}{problem.iteration}.pth'
    if contents is not None and not_finite(contents, run) is None:
        write_checkpoint(path, contents)
        problem = replace(problem, state=path.name)
    with atomic_write(path.with_suffix('.json')) as temporary:
        temporary.write_text(json.dumps(asdict(problem), indent=2) + '\n', encoding='utf-8')
    return problem
