"""tools/list_names.py: what is told of a name is for people."""

import runpy
from pathlib import Path

import pytest

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[2] / 'tools' / 'list_names.py'), run_name='tool')


@pytest.mark.parametrize('kind', TOOL['KINDS'])
def test_every_name_has_a_line_without_markup(kind: str) -> None:
    known = TOOL['found'](kind)
    assert known
    assert [name for name, text in known.items() if ':`' in text or '\n' in text] == []
