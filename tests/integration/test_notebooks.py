"""The notebooks: small, without outputs, and every cell runs, in order, in a fresh process without a network."""

import ast
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.programs import ROOT

NOTEBOOKS = sorted((ROOT / 'docs/notebooks').glob('*.ipynb'))
LIMIT = 60
"""Seconds of processor time that a notebook may take."""
NO_NETWORK = """
import socket, sys

def refused(*arguments, **options):
    raise OSError('a notebook asks for the network')

socket.socket.connect = refused
"""


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding='utf-8'))['cells']
    return found


def code(path: Path) -> list[str]:
    return [''.join(cell['source']) for cell in cells(path) if cell['cell_type'] == 'code']


def shown(source: str) -> str:
    """A cell whose last expression is printed, as a notebook shows it."""
    tree = ast.parse(source)
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = tree.body[-1].value
        tree.body[-1].value = ast.Call(ast.Name('print', ast.Load()), [last], [])
    return ast.unparse(ast.fix_missing_locations(tree))


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ['data_and_sampling', 'one_step', 'predict_on_your_picture']


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_small_and_without_outputs(path: Path) -> None:
    assert path.stat().st_size < 20_000
    content = json.loads(path.read_text(encoding='utf-8'))
    assert (content['nbformat'], content['nbformat_minor']) == (4, 5)
    ids = [cell['id'] for cell in cells(path)]
    assert len(set(ids)) == len(ids)
    for cell in cells(path):
        assert cell.keys() >= {'cell_type', 'id', 'metadata', 'source'}
        if cell['cell_type'] == 'code':
            assert cell['outputs'] == []
            assert cell['execution_count'] is None
            assert all(len(line) <= 121 for line in cell['source'])
    links = re.findall(r'\]\(([^)#]+)', '\n'.join(''.join(cell['source']) for cell in cells(path)))
    assert all((path.parent / link).exists() for link in links if '://' not in link)


@pytest.mark.slow
@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs(path: Path, tmp_path: Path) -> None:
    script = tmp_path / 'notebook.py'
    script.write_text(NO_NETWORK + '\n'.join(map(shown, code(path))), encoding='utf-8')
    environment = {**os.environ, 'MPLBACKEND': 'Agg', 'PYTHONPATH': str(ROOT), 'TMPDIR': str(tmp_path)}
    started, used = time.monotonic(), os.times()
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    now = os.times()
    spent = now.children_user + now.children_system - used.children_user - used.children_system
    assert min(spent, time.monotonic() - started) < LIMIT
    assert done.stdout
