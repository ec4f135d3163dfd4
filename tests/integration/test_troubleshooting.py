"""docs/troubleshooting.md quotes what the programs say, and its commands work."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mmseg import errors
from tests.integration.examples import run_example, substitute
from tests.integration.programs import ROOT

PAGE = (ROOT / 'docs/troubleshooting.md').read_text(encoding='utf-8')
COMMANDS = [line for block in re.findall(r'```\n(.*?)```', PAGE, re.DOTALL) for line in block.splitlines()]
MESSAGES = re.findall(r'^> (.+)$', PAGE, re.MULTILINE)
ROW = re.compile(r'^\| `(\w+)` \| (\d) \| ', re.MULTILINE)


@cache
def texts() -> list[str]:
    """Every text in the code, f-strings with dots for what they insert."""
    found = []
    for path in (*(ROOT / 'mmseg').rglob('*.py'), ROOT / 'mmseg_uda.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.JoinedStr):
                pieces = (
                    str(part.value) if isinstance(part, ast.Constant) else '...' for part in node.values
                )
                found.append(''.join(pieces))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def test_there_are_enough_complaints_with_cause_and_remedy() -> None:
    sections = re.split(r'^### ', PAGE.partition('## Kinds of errors')[0], flags=re.MULTILINE)[1:]
    assert len(sections) >= 25
    assert not [text.splitlines()[0] for text in sections if 'Cause' not in text or 'Do' not in text]


@pytest.mark.parametrize('message', MESSAGES)
def test_the_programs_say_what_is_quoted(message: str) -> None:
    """The parts between the dots, in their order, in one text."""
    pattern = re.compile('.*'.join(map(re.escape, message.split(' ... '))), re.DOTALL)
    assert any(pattern.search(text) for text in texts())


def test_messages_are_quoted() -> None:
    assert len(MESSAGES) > 20


def test_kinds_of_errors_are_those_of_the_code() -> None:
    kinds = {
        name: str(kind.exit_code)
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.UserError) and kind is not errors.UserError
    }
    assert dict(ROW.findall(PAGE)) == kinds


@pytest.mark.slow
@pytest.mark.parametrize('command', dict.fromkeys(COMMANDS))
def test_commands_work(command: str, workspace: tuple[Path, dict[str, str]], capfd: Any) -> None:
    root, names = workspace
    if command.startswith('python -c '):
        done = subprocess.run(command.replace('python', sys.executable, 1), shell=True, check=False)
        assert done.returncode == 0
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        code = run_example(substitute(command, names), patch)
    said = capfd.readouterr()
    assert code == 0, f'{command}\n{said.out[-2000:]}\n{said.err[-3000:]}'
