"""The one command: which file it runs, and as what."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg.cli import started_as
from mmseg.errors import UsageError
from mmseg.programs import find_program, programs

ROOT = Path(__file__).resolve().parents[1]


def ask(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command as an entry point does."""
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), **settings}
    return subprocess.run(
        [sys.executable, '-m', 'mmseg_uda', *words],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_every_program_has_one_name() -> None:
    known = programs()
    assert all(path.is_file() for path in known.values())
    assert len(set(known.values())) == len(known)
    files = {*(ROOT / 'tools').glob('*.py'), *(ROOT / 'tools/convert_datasets').glob('*.py')}
    assert files < set(known.values())
    assert {
        'train',
        'test',
        'demo',
        'experiments',
        'convert gta',
        'check',
        'report',
        'export',
        'list',
        'config',
    } <= set(known)


@pytest.mark.parametrize(
    ('words', 'name', 'file'),
    [
        (['train', 'x.py'], 'train', 'tools/train.py'),
        (['check-data'], 'check-data', 'tools/check_data.py'),
        (['print_config'], 'print-config', 'tools/print_config.py'),
        (['convert', 'gta', 'data/gta'], 'convert gta', 'tools/convert_datasets/gta.py'),
    ],
)
def test_words_name_a_program(words: list[str], name: str, file: str) -> None:
    assert find_program(words) == (name, ROOT / file)


@pytest.mark.parametrize('words', [['trian'], ['convert'], ['convert', 'kitti'], ['../x'], []])
def test_unknown_programs_are_told(words: list[str]) -> None:
    with pytest.raises(UsageError, match='there is no program'):
        find_program(words)


def test_command_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('LOCAL_WORLD_SIZE', raising=False)
    assert started_as('mmseg-uda train') == ['mmseg-uda', 'train']
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '2')
    assert started_as('mmseg-uda train')[-4:] == ['--nproc_per_node=2', '-m', 'mmseg', 'train']


@pytest.mark.slow
def test_a_program_runs_as_if_started_by_itself(tmp_path: Path) -> None:
    shown = ask(tmp_path, 'train', '--help')
    assert (shown.returncode, shown.stderr) == (0, '')
    assert shown.stdout.startswith('usage: mmseg-uda train ')
    assert 'python tools/' not in shown.stdout
    assert ask(tmp_path, 'config', 'none').returncode == 2
    assert ask(tmp_path, 'config', 'hrda/gtaHR2csHR_hrda').stdout == 'gtaHR2csHR_hrda.py\n'
    assert 'exists already' in ask(tmp_path, 'config', 'hrda/gtaHR2csHR_hrda').stderr
    assert (
        'with mmseg-uda build-bank (mmseg-uda create-buffer:' in ask(tmp_path, 'inspect-bank', 'none').stderr
    )
    assert 'usage: download_checkpoints.sh' in ask(tmp_path, 'download', '--help').stdout
    listed = ask(tmp_path, 'list', 'configs', 'hrda/*')
    assert listed.stdout.startswith('hrda/gtaHR2csHR_hrda  HRDA, GTA')
    nothing = ask(tmp_path, 'list', 'configs', 'hdra/gtaHR2csHR_hrda')
    assert (nothing.returncode, 'nearest valid name' in nothing.stderr) == (2, True)


def test_what_there_is_is_listed(tmp_path: Path) -> None:
    whole = ask(tmp_path, '--help')
    assert 'convert gta ' in whole.stdout
    assert ask(tmp_path).returncode == 2
    unknown = ask(tmp_path, 'trian')
    assert (unknown.returncode, "nearest valid name is 'train'" in unknown.stderr) == (2, True)


def test_files_of_both_in_one_folder_are_told(tmp_path: Path) -> None:
    mixed = tmp_path / 'mmseg'
    mixed.mkdir()
    shutil.copyfile(ROOT / 'mmseg/__init__.py', mixed / '__init__.py')
    command = [sys.executable, '-c', 'import mmseg']
    alone = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    (mixed / 'version.py').touch()
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (alone.stderr, 'holds files of mmsegmentation besides' in told.stderr) == ('', True)


def test_a_package_of_the_same_name_is_told(tmp_path: Path) -> None:
    facts = tmp_path / 'site/mmsegmentation-1.2.2.dist-info'
    facts.mkdir(parents=True)
    (facts / 'METADATA').write_text('Metadata-Version: 2.1\nName: mmsegmentation\nVersion: 1.2.2\n')
    told = ask(tmp_path, 'list', 'configs', PYTHONPATH=f'{ROOT}{os.pathsep}{facts.parent}')
    assert told.returncode == 1
    assert 'mmsegmentation 1.2.2 is installed here' in told.stderr
