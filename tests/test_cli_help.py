"""Every program answers --help with a description and examples that can be typed."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg.models.weights import NETWORK_PREFIXES
from mmseg.toolbox.checking import LAYOUTS
from mmseg.toolbox.prediction.saving import MARKS
from mmseg.toolbox.scenes import STYLES

ROOT = Path(__file__).resolve().parent.parent


def programs() -> list[str]:
    """Paths of all programs of the repository, relative to its root (helpers have no main part)."""
    candidates = [
        ROOT / 'run_experiments.py',
        *(ROOT / 'tools').rglob('*.py'),
        *(ROOT / 'demo').rglob('*.py'),
    ]
    mains = [path for path in candidates if path.is_file() and "__name__ == '__main__'" in path.read_text()]
    return sorted(str(path.relative_to(ROOT)) for path in mains)


def check(answer: str) -> None:
    """Fail unless a help text has usage, a sentence and complete commands as examples."""
    usage, _, rest = answer.partition('\n\n')
    assert usage.startswith('usage:')
    assert len(rest.split('\n\n')[0].split()) >= 4, 'a sentence that says what the program does'
    assert re.search(r'^examples?:', answer, re.MULTILINE | re.IGNORECASE)
    assert 'python ' in answer.lower().partition('example')[2], 'examples are complete commands'


def help_of(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run in this process, which has imported torch already; a new one a program takes a minute together."""
    path = ROOT / name
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(path.parent))
    monkeypatch.setattr(sys, 'argv', [name, '--help'])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_path(str(path), run_name='__main__')
    assert leaving.value.code in (0, None)
    return capsys.readouterr().out


@pytest.mark.parametrize('name', programs())
def test_program_answers_help(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = help_of(name, monkeypatch, capsys)
    check(answer)
    reads = 'load_config(' in (ROOT / name).read_text()
    assert not reads or '--custom-imports' in answer, (
        'a configuration in JSON may name components of the user'
    )


@pytest.mark.parametrize('name', programs())
def test_help_imports_no_torch(name: str, tmp_path: Path) -> None:
    """Seconds, for a text. From another folder and without an installation, too."""
    environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', str(ROOT / name), '--help'],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    imported = {line.rpartition('|')[2].strip() for line in done.stderr.splitlines()}
    assert 'mmseg.cli' in imported
    assert not {'torch', 'mmengine', 'timm', 'matplotlib'} & imported


def test_a_dry_run_imports_no_torch(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', str(ROOT / 'run_experiments.py'), '--exp', '40', '--dry-run'],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith('gtaHR2csHR_')
    assert not re.search(r'\| +(torch|timm)$', done.stderr, re.MULTILINE)


def test_programs_work_without_any_installed_package(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, '-S', '-E', str(ROOT / 'tools/train.py'), '--help'],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith('usage: train.py'), done.stderr


def test_choices_that_are_spelled_out_are_all_there_are() -> None:
    def text(name: str) -> str:
        return (ROOT / name).read_text()

    assert runpy.run_path(str(ROOT / 'demo/image_demo.py'))['KINDS'] == tuple(MARKS)
    assert ', '.join(layout.name for layout in LAYOUTS) in re.sub(r"'\s+'", '', text('tools/check_data.py'))
    assert f'choices={STYLES}' in text('tools/make_scenes.py')
    for name in ('convert_weights', 'publish_model'):
        assert f"'--network', choices={tuple(NETWORK_PREFIXES)}" in text(f'tools/{name}.py')


@pytest.mark.slow
@pytest.mark.parametrize('command', [['-m', 'tests.parity'], ['tools/print_config.py']], ids=' '.join)
def test_command_answers_help_in_a_process_of_its_own(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *command, '--help'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    check(done.stdout)
