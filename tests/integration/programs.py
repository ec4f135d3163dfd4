"""Running the programs inside the test process."""

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_tool(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: object) -> int:
    """Run ``tools/{name}.py`` with arguments as if typed; returns the exit code."""
    path = ROOT / 'tools' / f'{name}.py'
    monkeypatch.setattr(sys, 'argv', [str(path), *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(path), run_name='__main__')
    return int(left.value.code or 0)
