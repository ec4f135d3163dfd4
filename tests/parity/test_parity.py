"""Every stored reference case is a test."""

import pytest

from tests.parity.__main__ import load_families
from tests.parity.core import Case, collect, run_case
from tests.shared import shared_root

GOLDEN = shared_root() / 'golden'


def _cases() -> list[Case]:
    load_families()
    if not GOLDEN.is_dir():
        return []
    return collect(GOLDEN)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason=f'{GOLDEN} does not exist; set MMSEG_SHARED to its parent')
@pytest.mark.parametrize('case', _cases(), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    result = run_case(case)
    assert result.passed, '\n'.join(result.problems)
