"""Checkpoints that are written while training goes on."""

import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg.engine import hooks
from mmseg.engine.checkpoint import find_latest, read_checkpoint, write_checkpoint
from mmseg.engine.hooks import host_copy
from mmseg.engine.loop import Hook, Run, run_loop
from mmseg.engine.state import collect
from mmseg.errors import TrainingError
from tests.engine.fakes import make_run
from tests.integration.test_training import assert_equal


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob('*.pth'))


class At(Hook):
    """Does something after an iteration, before the checkpoint of that iteration."""

    def __init__(self, iteration: int, action: Any) -> None:
        self.iteration, self.action = iteration, action

    def after_iteration(self, run: Run) -> None:
        if run.iteration == self.iteration:
            self.action(run)


def test_a_checkpoint_is_of_its_iteration_however_long_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first file is written when iteration 3 is done."""
    go_on = threading.Event()

    def slow(path: Path, contents: Any) -> None:
        assert go_on.wait(60)
        write_checkpoint(path, contents)

    def look(run: Run) -> None:
        assert files(tmp_path / 'async') == []
        go_on.set()

    run_loop(make_run(tmp_path, checkpoint_interval=2))
    monkeypatch.setattr(hooks, 'write_checkpoint', slow)
    (tmp_path / 'async').mkdir()
    run_loop(make_run(tmp_path / 'async', checkpoint_interval=2, async_save=True, extra=[At(3, look)]))
    assert (
        files(tmp_path / 'async')
        == files(tmp_path)
        == ['iter_2.pth', 'iter_4.pth', 'iter_6.pth', 'latest.pth']
    )
    for name in files(tmp_path):
        one, other = (read_checkpoint(folder / name) for folder in (tmp_path, tmp_path / 'async'))
        for part in ('state_dict', 'optimizer', 'training_state'):
            assert_equal(one[part], other[part], part)


def test_the_end_of_a_stopped_run_is_written(tmp_path: Path) -> None:
    def stop(run: Run) -> None:
        run.stop.number = signal.SIGTERM

    run = make_run(tmp_path, checkpoint_interval=2, async_save=True, extra=[At(3, stop)])
    run_loop(run)
    assert run.stopped
    assert find_latest(tmp_path).name == 'iter_3.pth'
    assert read_checkpoint(tmp_path / 'iter_3.pth')['meta']['iter'] == 3


@pytest.mark.parametrize('end', [2, 6])
def test_what_cannot_be_written_ends_the_run(
    end: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told by the next checkpoint, or by the end."""

    def full(path: Path, contents: Any) -> None:
        raise TrainingError(f'{path.name} could not be written')

    monkeypatch.setattr(hooks, 'write_checkpoint', full)
    run = make_run(tmp_path, end, checkpoint_interval=2, async_save=True)
    with pytest.raises(TrainingError, match=r'iter_2\.pth could not be written'):
        run_loop(run)
    assert run.iteration == min(end, 4)


def test_a_copy_shares_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path, 1)
    run_loop(run)
    contents = collect(run)
    copied = host_copy(contents)
    assert_equal(contents, copied)
    assert copied['state_dict']._metadata == contents['state_dict']._metadata
    kept = copied['state_dict']['model.head.weight'].clone()
    with torch.no_grad():
        contents['state_dict']['model.head.weight'].zero_()
    contents['training_state']['memory']['more'] = 1
    assert torch.equal(copied['state_dict']['model.head.weight'], kept)
    assert 'more' not in copied['training_state']['memory']
