"""The commands of the pages work as typed."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import pytest
from PIL import Image

from docs.making.browser import find_browser
from tests.integration.examples import run_example, substitute
from tests.integration.page_commands import (
    NOT_HERE,
    RUN_BY_OTHERS,
    code_blocks,
    commands,
    in_its_place,
    other_runner,
)
from tests.integration.programs import ROOT
from tests.test_docs import PAGES

COMMANDS = {name: found for name, page in PAGES.items() if name not in NOT_HERE and (found := commands(page))}


@pytest.fixture(scope='module')
def workspace(workspace: tuple[Path, dict[str, str]], tiny_data: Path) -> tuple[Path, dict[str, str]]:
    """With own labels and an own module besides."""
    root, names = workspace
    shutil.copytree(tiny_data / 'gta/labels', root / 'data/own/labels')
    (block,) = re.findall(r'# my_parts\.py.*?(?=```)', PAGES['security.md'], re.DOTALL)  # beside another file
    left = block.index('# config.py')
    (root / 'my_parts.py').write_text(''.join(f'{line[:left].rstrip()}\n' for line in block.splitlines()))
    return root, names


def test_lines_of_a_block() -> None:
    page = 'a\n```python\nsh no.sh\n```\n\n```\nmake a   # why\npython b.py \\\n    --c d   # e\nno command\n```\n'
    assert commands(page) == ['make a', 'python b.py --c d']


def test_pages_have_commands() -> None:
    assert len(COMMANDS) > 8
    assert sum(map(len, COMMANDS.values())) > 90


def test_who_runs_the_others_is_told_of_none_too_many() -> None:
    every = [command for found in COMMANDS.values() for command in found]
    reasons = {other_runner(command) for command in every} - {None}
    assert reasons == set(RUN_BY_OTHERS.values())


def run(command: str, root: Path, names: dict[str, str]) -> int:
    """The exit code of what is run in the place of a command."""
    words = shlex.split(command)
    if words[0] == 'make':
        return subprocess.run(words, cwd=ROOT, env=os.environ, check=False).returncode
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for name in ('CONFIG', 'HRDA_CONFIG'):  # a work folder holds one run
            shutil.rmtree(Path('work_dirs', Path(names[name]).stem), ignore_errors=True)
        Path('mine.py').unlink(missing_ok=True)  # and a copy replaces nothing
        return run_example(substitute(command, names), patch)


@pytest.mark.slow
@pytest.mark.parametrize('page', COMMANDS)
def test_commands_work(
    page: str, workspace: tuple[Path, dict[str, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    for command in COMMANDS[page]:
        if other_runner(command) or ('docs.making.browser' in command and find_browser() is None):
            continue
        instead = in_its_place(command)
        code = run(instead, *workspace)
        said = capfd.readouterr()
        assert code == 0, f'{page}: {command}\n{instead}\n{said.out[-2000:]}\n{said.err[-3000:]}'


USERS = {
    'work_dirs/NAME': 'WORK_DIR', 'CONFIG': 'CONFIG', 'CHECKPOINT': 'CHECKPOINT', 'street.png': 'IMAGE',
    'photos': 'IMAGES', 'drive.mp4': 'VIDEO',
}  # fmt: skip
"""What the code of the pages names -> names of the workspace."""


@pytest.mark.slow
@pytest.mark.parametrize('page', ['README.md', 'tools.md'])
def test_code_works(
    page: str,
    workspace: tuple[Path, dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    """The blocks of one page one after the other; add-a-part.md and others have tests of their own."""
    root, names = workspace
    monkeypatch.chdir(root)
    shown: list[Image.Image] = []
    monkeypatch.setattr(Image.Image, 'show', lambda picture, **_: shown.append(picture))
    assert run('python tools/export.py WORK_DIR --out network.onnx', root, names) == 0
    blocks = list(code_blocks(PAGES[page], 'python'))
    assert blocks
    scope: dict[str, Any] = {}
    for block in blocks:
        for word, name in USERS.items():
            block = block.replace(f"'{word}'", repr(names[name]))
        (tmp_path / 'block.py').write_text(block.replace("'cuda:0'", "'cpu'"))
        scope = runpy.run_path(str(tmp_path / 'block.py'), init_globals=scope)
    written = cv2.imread('street_pred.png')
    assert written is not None
    assert written.shape[1:] == (128, 3)  # README: and a legend below
    if page == 'tools.md':
        assert len(shown) == 1
        assert "'road': " in capsys.readouterr().out
