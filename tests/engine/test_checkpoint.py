"""Damaged checkpoints are passed over loudly, a folder holds one run, rotation leaves other files alone."""

import contextlib
import functools
import itertools
import os
import resource
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from mmseg.engine.checkpoint import (
    choose_start,
    damage,
    find_latest,
    mark_latest,
    read_checkpoint,
    remove_old,
    require_unused,
    write_checkpoint,
)
from mmseg.engine.work_folder import reserved
from mmseg.errors import CheckpointError, TrainingError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for iteration in (2, 4, 6):
        path = tmp_path / f'iter_{iteration}.pth'
        write_checkpoint(path, {'weight': torch.arange(5000.0) + iteration})
        mark_latest(path)
    return tmp_path


def flip(path: Path) -> None:
    """Change one bit in the middle of the largest record."""
    with zipfile.ZipFile(path) as archive:
        record = max(archive.infolist(), key=lambda info: info.file_size)
    content = bytearray(path.read_bytes())
    content[record.header_offset + record.file_size // 2] ^= 4
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    'truncated': lambda path: path.write_bytes(path.read_bytes()[:9000]),
    'empty': lambda path: path.write_bytes(b''),
    'one bit': flip,
    'a page of zeros': lambda path: path.write_bytes(
        path.read_bytes()[:8192] + bytes(4096) + path.read_bytes()[12288:]
    ),
    'text': lambda path: path.write_text('not a checkpoint'),
}


@pytest.mark.parametrize('kind', DAMAGE)
def test_the_newest_sound_one_is_resumed(folder: Path, kind: str, logged: list[str]) -> None:
    DAMAGE[kind](folder / 'iter_6.pth')
    assert find_latest(folder).name == 'iter_4.pth'
    assert any('iter_6.pth is DAMAGED' in line for line in logged)


@pytest.mark.parametrize('kind', DAMAGE)
def test_nothing_sound_is_an_error(folder: Path, kind: str) -> None:
    for path in folder.glob('iter_*.pth'):
        DAMAGE[kind](path)
    with pytest.raises(CheckpointError, match='every checkpoint is damaged'):
        find_latest(folder)


@pytest.mark.parametrize(
    'content', [b'', b'\xff\xfe\x00', b'../../etc/passwd', b'iter_99.pth', b'a\nb', b'x' * 5000]
)
def test_rubbish_in_the_pointer_is_passed_over(folder: Path, content: bytes) -> None:
    (folder / 'last_checkpoint').write_bytes(content)
    assert find_latest(folder).name == 'iter_6.pth'


def test_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match='nothing to resume'):
        find_latest(tmp_path)


def test_files_of_old_torch_have_no_check_sums(tmp_path: Path) -> None:
    torch.save({'weight': torch.ones(3)}, tmp_path / 'iter_1.pth', _use_new_zipfile_serialization=False)
    assert damage(tmp_path / 'iter_1.pth') is None


def test_a_folder_holds_one_run(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'iter_6\.pth.*--resume.*--work-dir'):
        require_unused(folder)
    require_unused(tmp_path / 'new')


@pytest.mark.parametrize('name', ['latest.pth', 'best_mIoU_iter_20.pth', 'epoch_3.pth'])
def test_other_checkpoints_are_a_run_as_well(name: str, tmp_path: Path) -> None:
    """The folder of a published run has only the first; a new run would put its own in that place."""
    write_checkpoint(tmp_path / name, {'weight': torch.ones(2)})
    with pytest.raises(UsageError, match=rf'{name}.*--resume.*--work-dir'):
        require_unused(tmp_path)


def test_a_run_with_its_best_checkpoint_only_is_resumed_from_it(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / 'other'
    for name in (
        'best_mIoU_iter_20.pth',
        'best_IoU.b_iter_3.pth',
        'best_iter_x.pth',
        'iter_\N{SUPERSCRIPT TWO}.pth',
    ):
        write_checkpoint(other / name, {'weight': torch.ones(2)})
        write_checkpoint(folder / name, {'weight': torch.ones(2)})
    assert find_latest(other).name == 'best_mIoU_iter_20.pth'
    assert find_latest(folder).name == 'iter_6.pth', 'what last_checkpoint says comes first'
    (other / 'best_mIoU_iter_20.pth').write_bytes(b'PK\3\4')
    assert find_latest(other).name == 'best_IoU.b_iter_3.pth'


def test_what_is_no_checkpoint_is_no_run(tmp_path: Path) -> None:
    (tmp_path / 'latest.pth').symlink_to('iter_7.pth')  # which is gone
    (tmp_path / 'notes.txt').write_text('weights.pth')
    (tmp_path / 'pretrained.pth').write_text('put there for load_from')
    require_unused(tmp_path)


def test_where_a_run_starts(folder: Path, tmp_path: Path) -> None:
    """--resume-from, else with --resume the newest one of the folder, else what the configuration says."""
    other, new = tmp_path / 'other' / 'iter_9.pth', tmp_path / 'new'
    own = folder / 'iter_2.pth'
    assert choose_start(new, False, None, None) is None
    assert choose_start(new, False, other, None) == choose_start(new, False, None, str(other)) == other
    assert choose_start(new, True, None, str(other)) == other
    assert choose_start(folder, True, None, str(other)) == choose_start(folder, True, None, None)
    assert choose_start(folder, True, None, str(other)) == (folder / 'iter_6.pth').resolve()
    assert choose_start(folder, False, own, None) == own
    with pytest.raises(CheckpointError, match='nothing to resume'):
        choose_start(new, True, None, None)


@pytest.mark.parametrize('how', [(None, None), ('other', None), (None, 'other')])
def test_a_used_folder_takes_no_start_from_elsewhere(
    how: tuple[str | None, str | None], folder: Path, tmp_path: Path
) -> None:
    """Its files would be replaced and rotated out."""
    given, configured = (name and str(tmp_path / name / 'iter_3.pth') for name in how)
    with pytest.raises(UsageError, match=r'iter_6\.pth.*--resume.*--work-dir'):
        choose_start(folder, False, given, configured)


@pytest.mark.parametrize(
    ('written', 'keep', 'left'), [(6, 1, {6}), (6, 2, {4, 6}), (4, 1, {4, 6}), (6, -1, {2, 4, 6})]
)
def test_rotation_leaves_later_files(folder: Path, written: int, keep: int, left: set[int]) -> None:
    remove_old(folder / f'iter_{written}.pth', keep)
    assert {int(path.stem[5:]) for path in folder.glob('iter_*.pth')} == left


@contextlib.contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond a size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize('where', ['start', 'numbers', 'table', 'check sum'])
def test_no_room_for_all_of_it(folder: Path, where: str) -> None:
    """Wherever the writer is then, what was there stays."""
    size = (folder / 'iter_6.pth').stat().st_size
    room = {'start': 0, 'numbers': 9000, 'table': size - 600, 'check sum': size - 40}[where]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    message = r'iter_8\.pth: could not be written.*make room.*--resume'
    with room_for(room), pytest.raises(TrainingError, match=message):
        write_checkpoint(folder / 'iter_8.pth', {'weight': torch.arange(5000.0) + 8})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert find_latest(folder).name == 'iter_6.pth'


def test_no_room_for_the_pointer(folder: Path) -> None:
    write_checkpoint(folder / 'iter_8.pth', {'weight': torch.arange(5000.0) + 8})
    message = r'last_checkpoint: could not be written.*make room.*--resume'
    with room_for(0), pytest.raises(TrainingError, match=message):
        mark_latest(folder / 'iter_8.pth')
    assert find_latest(folder).name == 'iter_6.pth'
    assert not list(folder.glob('.*'))


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do something in a forked process that kills itself before the given one of its steps in the file system.

    Returns whether it came so far.
    """
    child = os.fork()
    if child == 0:
        steps = itertools.count()

        def watch(event: str, arguments: object) -> None:
            if event in ('open', 'os.rename', 'os.remove', 'os.symlink', 'os.mkdir') and next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.slow
def test_killed_at_every_step_of_saving(tmp_path: Path) -> None:
    """Afterwards there is a sound checkpoint to go on from, and the next save ends as it would have."""

    def save(folder: Path, iteration: int) -> None:
        path = folder / f'iter_{iteration}.pth'
        write_checkpoint(path, {'weight': torch.arange(50.0) + iteration})
        mark_latest(path)
        remove_old(path, 2)

    for step in itertools.count():
        folder = tmp_path / str(step)
        for iteration in (2, 4):
            save(folder, iteration)
        killed = killed_at(step, functools.partial(save, folder, 6))
        with reserved(folder):
            found = find_latest(folder)
            assert found.name in ('iter_4.pth', 'iter_6.pth')
            assert torch.load(found)['weight'][0] == int(found.stem[5:])
            save(folder, 6)
        assert {path.name for path in folder.iterdir()} == {
            'iter_4.pth', 'iter_6.pth', 'latest.pth', 'last_checkpoint', '.lock',
        }  # fmt: skip
        if not killed:
            break
    assert step > 8


@pytest.mark.parametrize('hard_links', [True, False])
def test_latest_without_the_right_to_make_links(
    folder: Path, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(1314, 'A required privilege is not held by the client')

    monkeypatch.setattr('os.symlink', refused)
    if not hard_links:
        monkeypatch.setattr('os.link', refused)
    for iteration in (4, 6):
        mark_latest(folder / f'iter_{iteration}.pth')
        assert not (folder / 'latest.pth').is_symlink()
        assert (folder / 'latest.pth').read_bytes() == (folder / f'iter_{iteration}.pth').read_bytes()
    assert find_latest(folder).name == 'iter_6.pth'
    assert {path.name for path in folder.iterdir() if path.name.startswith('.')} == set()


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    """Advice about pretrained weights would lead astray."""
    with pytest.raises(CheckpointError, match=r'missing\.pth does not exist.*--resume-from') as caught:
        read_checkpoint(tmp_path / 'missing.pth')
    assert 'pretrained' not in str(caught.value)
    with pytest.raises(CheckpointError, match='is a folder'):
        read_checkpoint(tmp_path)
