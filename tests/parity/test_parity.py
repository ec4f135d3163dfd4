"""Every stored reference case is a test: those of this repository, and the whole set where it is found."""

from pathlib import Path

import pytest

from tests.parity.__main__ import load_families
from tests.parity.core import CASES, Case, collect, run_case
from tests.shared import shared_root

WHOLE = shared_root() / 'golden'


def _cases(root: Path) -> list[Case]:
    load_families()
    return collect(root) if root.is_dir() else []


def _passes(case: Case) -> None:
    result = run_case(case)
    assert result.passed, '\n'.join(result.problems)


@pytest.mark.parametrize('case', _cases(CASES), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    _passes(case)


@pytest.mark.skipif(not WHOLE.is_dir(), reason=f'{WHOLE} does not exist; set MMSEG_SHARED to its parent')
@pytest.mark.parametrize('case', _cases(WHOLE), ids=lambda case: case.name)
def test_case_of_the_whole_set(case: Case) -> None:
    _passes(case)
