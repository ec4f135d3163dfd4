"""Every stored reference case of the parts that exist is a test."""

import fnmatch

import pytest

from tests.parity.__main__ import load_families
from tests.parity.core import Case, collect, run_case
from tests.shared import shared_root

GOLDEN = shared_root() / 'golden'

# Cases of methods and networks that are not part of the code base yet; a name leaves the list with the part it needs.
NOT_YET: tuple[str, ...] = (
    'experiments/hrda/41',
    'experiments/resolved/hrda/41',
    'experiments/*mic/*',
    'experiments/*dida/*',
    'experiments/*daformer/[1236]',
    'experiments/*daformer/100',
    'keys/*da_nodbn*',
    'keys/*dlv3p*',
    'keys/*isa_nodbn*',
    'keys/*upernet*',
    'keys/segmentor_dlv2red_[sx]*',
    'keys/uda_advseg*',
    'keys/uda_dida*',
    'keys/uda_mic*',
    'keys/uda_minent*',
    'losses/losses/*danet*',
    'models/*danet*',
    'models/*deeplabv3plus*',
    'models/*isanet*',
    'models/*resne[sx]t*',
    'models/*upernet*',
    'train/advseg*',
    'train/dida*',
    'train/mic*',
    'train/minent*',
    'uda/dida*',
    'uda/mic*',
)


def _cases() -> list[Case]:
    load_families()
    if not GOLDEN.is_dir():
        return []
    return [c for c in collect(GOLDEN) if not any(fnmatch.fnmatchcase(c.name, glob) for glob in NOT_YET)]


@pytest.mark.skipif(not GOLDEN.is_dir(), reason=f'{GOLDEN} does not exist; set MMSEG_SHARED to its parent')
@pytest.mark.parametrize('case', _cases(), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    result = run_case(case)
    assert result.passed, '\n'.join(result.problems)
