"""Every program answers --help with examples, and the examples work."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.examples import examples, run_example, substitute
from tests.integration.programs import ROOT


def programs() -> list[str]:
    """All programs and shell scripts, relative to the root (helpers have no main part)."""
    candidates = (
        *(
            path for path in ROOT.glob('*.py') if path.name != 'mmseg_uda.py'
        ),  # an installed command: test_wheel.py
        *ROOT.glob('*.sh'),
        *(ROOT / 'demo').rglob('*.py'),
        *(ROOT / 'tools').rglob('*.py'),
        *(ROOT / 'tools').glob('*.sh'),  # deeper ones are parts of others
    )
    return sorted(
        str(path.relative_to(ROOT))
        for path in candidates
        if path.suffix == '.sh' or "__name__ == '__main__'" in path.read_text()
    )


@pytest.fixture
def patch(workspace: tuple[Path, Any]) -> Iterator[pytest.MonkeyPatch]:
    """In the workspace."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workspace[0])
        yield patch


def help_text(program: str, patch: pytest.MonkeyPatch, capfd: Any) -> str:
    """What ``PROGRAM --help`` prints."""
    launcher = 'sh' if program.endswith('.sh') else 'python'
    assert run_example([launcher, program, '--help'], patch) == 0
    return str(capfd.readouterr().out)


@pytest.mark.slow
@pytest.mark.parametrize('program', programs())
def test_examples_work(
    program: str, workspace: tuple[Path, dict[str, str]], patch: pytest.MonkeyPatch, capfd: Any
) -> None:
    commands = examples(help_text(program, patch, capfd))
    assert commands, 'the help text has an `examples:` line and commands indented by two spaces below it'
    for command in commands:
        assert program in command.split(), f'an example of another program: {command}'
        with pytest.MonkeyPatch.context() as own:
            code = run_example(substitute(command, workspace[1]), own)
        said = capfd.readouterr()
        assert code == 0, f'{command}\n{said.out[-2000:]}\n{said.err[-3000:]}'


@pytest.mark.parametrize(
    'script', [name for name in programs() if name.endswith('.sh') and 'download' not in name]
)
def test_scripts_without_arguments_say_how_to_use_them(script: str) -> None:
    done = subprocess.run(['sh', script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert 'examples:' in done.stderr


def test_names_in_capitals_and_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ('b.log', 'a.log'):
        (tmp_path / name).touch()
    names = {'CONFIG': 'my config.py', 'WORK_DIR': 'runs/x', 'OTHER_WORK_DIR': 'runs/y'}
    command = (
        "python tools/x.py 'CONFIG' WORK_DIR/latest.pth OTHER_WORK_DIR --only '*.log' *.log --kind CONFIGS"
    )
    words = [
        'python',
        'tools/x.py',
        'my config.py',
        'runs/x/latest.pth',
        'runs/y',
        '--only',
        '*.log',
        'a.log',
        'b.log',
    ]
    assert substitute(command, names) == [*words, '--kind', 'CONFIGS']
    assert examples(f'usage: x\n\nexamples:\n  {command}\n    more\nNote.\n  sh y.sh\n') == [
        command,
        'sh y.sh',
    ]
