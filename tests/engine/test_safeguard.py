"""What is saved after an error depends on when it came."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg.batch import Batch
from mmseg.engine.checkpoint import find_latest, read_checkpoint
from mmseg.engine.loop import Hook, Run, run_loop
from mmseg.engine.state import restore
from mmseg.errors import DataError, ResourceError, TrainingError
from mmseg.uda.trainable import LossGroup
from tests.engine.fakes import Toy, batches, make_run, weights


def break_in_step(run: Run, error: Exception, after_optimizer: bool = False) -> None:
    """Let step 3 fail after its forward pass has changed the statistics, or after the optimiser."""
    groups, toy = run.trainable.loss_groups, run.trainable

    def loss_groups(batch: Batch) -> Iterator[LossGroup]:
        yield from groups(batch)
        if toy.iteration == 2 and not after_optimizer:
            raise error

    def after_step(skipped: torch.Tensor | None = None) -> None:
        if toy.iteration == 2:
            raise error

    toy.loss_groups = loss_groups  # type: ignore[method-assign]
    if after_optimizer:
        toy.after_step = after_step  # type: ignore[method-assign]


def finished(folder: Path) -> dict[str, torch.Tensor]:
    """Weights after going on from what is in a folder."""
    second = make_run(folder)
    restore(second, read_checkpoint(find_latest(folder)), 'x')
    run_loop(second)
    return weights(second)


@pytest.mark.parametrize('kind', [torch.OutOfMemoryError, MemoryError])
def test_memory_gone_in_a_step(kind: type[Exception], tmp_path: Path) -> None:
    run, whole = make_run(tmp_path), make_run(tmp_path / 'whole')
    (tmp_path / 'whole').mkdir()
    run_loop(whole)
    break_in_step(run, kind('too much'))
    with pytest.raises(ResourceError):
        run_loop(run)
    assert run.stopped
    assert find_latest(tmp_path).name == 'iter_2.pth'
    again = finished(tmp_path)
    assert all(torch.equal(value, again[name]) for name, value in weights(whole).items())


@pytest.mark.parametrize(
    ('error', 'after'),
    [(MemoryError(), True), (TrainingError('nan'), False), (ZeroDivisionError(), False)],
)
def test_not_saved(error: Exception, after: bool, tmp_path: Path) -> None:
    """The optimiser has begun, the numbers are at fault, the program is at fault."""
    run = make_run(tmp_path)
    break_in_step(run, error, after)
    with pytest.raises(ResourceError if after else type(error)):
        run_loop(run)
    assert not run.stopped
    assert not list(tmp_path.glob('*.pth'))


@pytest.mark.parametrize(
    ('error', 'raised'),
    [(DataError('x.png'), DataError), (RuntimeError('unable to open shared memory object'), ResourceError),
     (ZeroDivisionError(), ZeroDivisionError)],
)  # fmt: skip
def test_batch_that_does_not_come(error: Exception, raised: type[Exception], tmp_path: Path) -> None:
    def failing(start: int) -> Iterator[Batch]:
        yield from batches(start, 2)
        raise error

    run = make_run(tmp_path)
    run.batches = failing
    with pytest.raises(raised):
        run_loop(run)
    assert find_latest(tmp_path).name == 'iter_2.pth'


class Failing(Hook):
    """Fails after step 2, as an evaluation may."""

    def after_iteration(self, run: Run) -> None:
        if run.iteration == 2:
            raise MemoryError


def test_after_a_step_it_is_saved(tmp_path: Path) -> None:
    with pytest.raises(ResourceError):
        run_loop(make_run(tmp_path, extra=[Failing()]))
    assert find_latest(tmp_path).name == 'iter_2.pth'


def test_other_processes_are_in_the_middle_of_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('mmseg.engine.safeguard.world_size', lambda: 2)
    with pytest.raises(ResourceError):
        run_loop(make_run(tmp_path, extra=[Failing()]))
    assert not list(tmp_path.glob('*.pth'))


def test_teachers_are_averaged_once_for_a_step_that_is_repeated() -> None:
    class Average:
        latest: int | None = None
        done: int | None = None

    first, second = Average(), Average()
    toy: Any = Toy()
    averages: Callable[[], list[Average]] = lambda: [first, second]  # noqa: E731
    toy.averages = averages
    toy.iteration = 5
    first.latest = second.latest = 4
    assert toy.training_state() == {'iteration': 5}
    first.latest = 5
    state = toy.training_state()
    assert state == {'iteration': 5, 'averaged': [True, False]}
    first.latest = None
    toy.load_training_state(state)
    assert (first.done, second.done) == (5, None)
    assert toy.training_state() == state
