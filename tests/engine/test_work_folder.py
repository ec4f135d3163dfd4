"""Two processes do not share a work folder; a dead one holds nothing and leaves nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mmseg.engine.work_folder as module
from mmseg.engine.checkpoint import write_checkpoint
from mmseg.engine.work_folder import reserved
from mmseg.errors import UsageError, UserError
from mmseg.fileio import atomic_write
from mmseg.toolbox.experiments import launch
from mmseg.toolbox.experiments.jobs import LaunchOptions
from mmseg.toolbox.experiments.launch import run_config
from tests.integration.programs import run_tool
from tests.integration.tiny import tiny_config, write_config

HOLDER = """
import sys, time
from pathlib import Path
from mmseg.engine.work_folder import reserved
with reserved(Path(sys.argv[1])):
    print('ready', flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_another_process_is_kept_out_until_it_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'PATIENCE', 0.2)
    command = [sys.executable, '-c', HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == 'ready\n'
        with pytest.raises(UsageError, match='another process is training'), reserved(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with reserved(tmp_path):
        pass


def test_left_over_files_are_removed_and_nothing_else(tmp_path: Path) -> None:
    half = []
    for name in ('iter_4.pth', 'last_checkpoint', 'config.py'):
        with atomic_write(tmp_path / name) as temporary:
            temporary.write_text('x')
            half.append(temporary.name)
    for name in (*half, '.latest.pth.new'):
        (tmp_path / name).touch()
    with reserved(tmp_path):
        pass
    left = {path.name for path in tmp_path.iterdir()} - {'.lock'}
    assert left == {'iter_4.pth', 'last_checkpoint', 'config.py'}


@pytest.mark.parametrize('place', ['.lock', 'run.log.json', 'debug', 'debug/deeper', 'gone'])
def test_links_out_of_the_folder_are_refused(place: str, tmp_path: Path) -> None:
    """In the folder of a stranger they would let a run write anywhere."""
    elsewhere, folder = tmp_path / 'elsewhere', tmp_path / 'run'
    elsewhere.mkdir()
    (elsewhere / 'file').write_text('mine')
    link = folder / place
    link.parent.mkdir(parents=True)
    link.symlink_to({'debug': elsewhere, 'gone': tmp_path / 'new'}.get(place, elsewhere / 'file'))
    with pytest.raises(UsageError, match=r'leads out of the folder.*Remove the link'), reserved(folder):
        pass
    assert (elsewhere / 'file').read_text() == 'mine'


def test_links_within_the_folder_and_to_it_are_fine(tmp_path: Path) -> None:
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'latest.pth').symlink_to('iter_1.pth')
    (tmp_path / 'run' / 'again').symlink_to(tmp_path / 'run')
    (tmp_path / 'link').symlink_to(tmp_path / 'run')
    with reserved(tmp_path / 'link'):
        pass


def test_one_after_the_other_in_one_process(tmp_path: Path) -> None:
    for _ in range(2):
        with reserved(tmp_path):
            pass


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A work folder in which another process trains."""
    monkeypatch.setattr(module, 'PATIENCE', 0.2)
    folder = tmp_path / 'work_dirs/local-basic/261101_1200_tiny_daformer_00000'
    folder.mkdir(parents=True)
    command = [sys.executable, '-c', HOLDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == 'ready\n'
        yield folder
        holder.kill()


@pytest.mark.slow
@pytest.mark.parametrize('options', [[], ['--resume'], ['--resume-from=x.pth']])
def test_a_busy_folder_is_left_as_it_is(
    options: list[str], busy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The configuration that is kept there is that of the run that goes on."""
    config = write_config(tmp_path, tiny_config(tmp_path))
    assert run_tool(monkeypatch, 'train', config, '--work-dir', busy, *options) == 2
    assert 'another process is training in this folder' in capsys.readouterr().err
    assert [path.name for path in busy.iterdir()] == ['.lock']


@pytest.mark.slow
@pytest.mark.parametrize('gpus', [1, 2])
def test_a_busy_folder_of_an_experiment(
    gpus: int, busy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, '_run_child', lambda *_: pytest.fail('it was started'))
    config = tiny_config(tmp_path)
    write_checkpoint(busy / 'iter_2.pth', {'state_dict': {}})
    generated = tmp_path / 'configs/generated' / busy.parent.name / f'{busy.name}.json'
    generated.parent.mkdir(parents=True)
    generated.write_text(json.dumps({**config, 'work_dir': str(busy)}))
    said: list[str] = []
    with pytest.raises(UserError, match='1 of 1 runs failed'):
        run_config(write_config(tmp_path, config), LaunchOptions(resume=True, gpus=gpus), said.append)
    assert 'another process is training in this folder' in said[-1]
    assert sorted(path.name for path in busy.iterdir()) == ['.lock', 'iter_2.pth']
