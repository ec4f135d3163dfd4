"""Damaged inputs: read, or refused with one of our errors.

``FUZZ_SEED`` chooses other inputs than those of every run, ``FUZZ_INPUTS`` how many of a kind.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.child import damaged
from tests.fuzz.kinds import KINDS

SEED = int(os.environ.get('FUZZ_SEED', 0))
MANY = int(os.environ.get('FUZZ_INPUTS', 1000))
ROOT = Path(__file__).resolve().parents[2]


def faults(kind: str, count: int, folder: Path) -> list[str]:
    """One sentence for each of ``count`` inputs that was neither read nor refused; those that ended the process stay in
    ``folder``."""
    found: list[str] = []
    first = 0
    while first < count:
        words = [sys.executable, '-m', 'tests.fuzz.child', kind, str(SEED), str(first), str(count)]
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])])
        child = subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, 'PYTHONPATH': path},
            capture_output=True,
            text=True,
            check=False,
        )
        at = (folder / 'at.txt').read_text() if (folder / 'at.txt').exists() else ''
        if at == 'done':
            return found + told(folder / 'faults.txt', kind)
        assert at, f'the undamaged input is not read: {child.stderr[-2000:]}'
        (folder / 'at.txt').unlink()
        reason = signal.Signals(-child.returncode).name if child.returncode < 0 else child.stderr[-500:]
        found.append(
            f'{kind} {at} (seed {SEED}) ends the process: {reason}; the input is in {folder / "input"}'
        )
        first = int(at) + 1
    return found


def told(path: Path, kind: str) -> list[str]:
    """What the children wrote down."""
    reports = map(json.loads, path.read_text().splitlines() if path.exists() else [])
    return [f'{kind} {it["number"]} (seed {SEED}): {it["error"]} at {it["where"]}' for it in reports]


@pytest.mark.slow
@pytest.mark.parametrize('kind', KINDS)
def test_a_few_damaged_inputs(kind: str, tmp_path: Path) -> None:
    assert faults(kind, 20, tmp_path) == []


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
@pytest.mark.parametrize('kind', KINDS)
def test_many_damaged_inputs(kind: str, tmp_path: Path) -> None:
    found = faults(kind, MANY, tmp_path)
    assert not found, f'{len(found)} of {MANY}:\n' + '\n'.join(found[:40])


def test_inputs_are_a_function_of_seed_and_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in KINDS.values():
        files = kind.files()
        assert damaged(kind, files, 3, 5) == damaged(kind, files, 3, 5)
        assert len({damaged(kind, files, 3, n)[1] for n in range(20)}) > 10
