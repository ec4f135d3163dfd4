"""Which checkpoint restarted processes go on from."""

import os
from pathlib import Path

import pytest

from mmseg.engine import restart
from mmseg.engine.checkpoint import mark_latest, write_checkpoint
from mmseg.engine.restart import MARK, find_restart, launch_name, mark_launch


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work folder of the first start of a launch."""
    monkeypatch.setenv('TORCHELASTIC_RUN_ID', 'first')
    monkeypatch.setenv('TORCHELASTIC_RESTART_COUNT', '0')
    return tmp_path


def save(folder: Path, iteration: int, age: int = 0) -> Path:
    """A checkpoint that is ``age`` seconds older than the mark."""
    path = folder / f'iter_{iteration}.pth'
    write_checkpoint(path, {'iteration': iteration})
    mark_latest(path)
    if age:
        then = (folder / MARK).stat().st_mtime - age
        os.utime(path, (then, then))
    return path


def again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('TORCHELASTIC_RESTART_COUNT', '1')


def test_the_newest_sound_checkpoint_of_this_launch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark_launch(folder)
    first, second = save(folder, 2), save(folder, 4)
    again(monkeypatch)
    assert find_restart(folder) == second.resolve()
    second.write_bytes(second.read_bytes()[:-400])
    assert find_restart(folder) == first.resolve()
    mark_launch(folder)
    assert find_restart(folder) == first.resolve()


def test_a_launch_that_was_refused_stays_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder holds the run of an earlier launch of the same name."""
    mark_launch(folder)
    save(folder, 2)
    assert (
        find_restart(folder) is None
    )  # the first start of the new launch; it is refused before it marks the folder
    again(monkeypatch)
    assert find_restart(folder) is None


def test_checkpoints_of_an_earlier_launch_do_not_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was resumed from an older one with --resume-from, and died before it saved."""
    mark_launch(folder)
    save(folder, 4, age=60)
    again(monkeypatch)
    assert find_restart(folder) is None
    monkeypatch.setenv('TORCHELASTIC_RUN_ID', 'second')
    save(folder, 6)
    assert find_restart(folder) is None


def test_a_checkpoint_that_died_before_it_was_pointed_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launch goes on from an early checkpoint beside later ones of another, which the folder still points at."""
    mark_launch(folder)
    save(folder, 10, age=60)
    own = folder / 'iter_4.pth'
    write_checkpoint(own, {'iteration': 4})
    again(monkeypatch)
    assert find_restart(folder) == own.resolve()


def test_names_of_launches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert launch_name() == 'first'
    monkeypatch.setenv('TORCHELASTIC_RUN_ID', 'none')
    monkeypatch.setenv('MASTER_ADDR', 'node1')
    monkeypatch.setenv('MASTER_PORT', '29500')
    assert launch_name() == 'node1:29500'
    monkeypatch.delenv('TORCHELASTIC_RUN_ID')
    assert launch_name() is None
    mark_launch(folder)
    assert not (folder / restart.MARK).exists()
