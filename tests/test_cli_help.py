"""Every program answers --help with a description and examples that can be typed."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

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


def ask_for_help(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a Python command with --help from the root of the repository."""
    return subprocess.run(
        [sys.executable, *command, '--help'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope='module')
def answers() -> dict[str, subprocess.CompletedProcess[str]]:
    """Answers of all programs by name, asked two at a time: most of the time is the import of torch."""
    commands = {name: [name] for name in programs()} | {'tests.parity': ['-m', 'tests.parity']}
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(commands, pool.map(ask_for_help, commands.values()), strict=True))


@pytest.mark.parametrize('name', [*programs(), 'tests.parity'])
def test_help_has_a_sentence_and_examples(
    name: str, answers: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    answer = answers[name]
    assert answer.returncode == 0, answer.stderr
    usage, _, rest = answer.stdout.partition('\n\n')
    assert usage.startswith('usage:')
    assert len(rest.split('\n\n')[0].split()) >= 4, 'a sentence that says what the program does'
    assert re.search(r'^examples?:', answer.stdout, re.MULTILINE | re.IGNORECASE)
    assert 'python ' in answer.stdout.lower().partition('example')[2], 'examples are complete commands'
