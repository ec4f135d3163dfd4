"""Every stored reference case is a test: the whole set where it is found, else those of this repository."""

import pytest

from tests.parity.__main__ import load_families
from tests.parity.core import CASES, Case, collect, run_case
from tests.shared import shared_root

WHOLE = shared_root() / 'golden'


def _cases() -> list[Case]:
    load_families()
    return collect(WHOLE if WHOLE.is_dir() else CASES)


@pytest.mark.parametrize('case', _cases(), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    """Those of the repository are a part of the whole set, number by number (test_subset.py), and not run twice."""
    result = run_case(case)
    assert result.passed, '\n'.join(result.problems)
