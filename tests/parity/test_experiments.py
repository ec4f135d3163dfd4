"""The judge of experiment tables, on tables made of what this version generates."""

import copy
from typing import Any

import pytest

from mmseg.config import load_config, resolved
from mmseg.toolbox.experiments import TABLE
from mmseg.toolbox.experiments.generate import compose_all
from tests.parity.core import Check
from tests.parity.experiments import _compare_generated, _compare_merged

NAME = 'syn2cs_dacs_a999_fdthings_rcs001_cpl_daformer_sepaspp_mitb5_poly10warm'


@pytest.fixture
def stored() -> dict[str, Any]:
    """The only run of dida/8, which has seed 2, as a reference folder would hold it."""
    (config,) = compose_all(next(e for e in TABLE.values() if e.id == '8'))
    config['uda'].pop('instance_bank', None)
    return {NAME: resolved(load_config(config))}


def problems(number: str, want: dict[str, Any]) -> list[str]:
    check = Check()
    _compare_merged(check, 'dida', number, want)
    return check.problems


def test_a_run_with_another_seed_than_0_is_compared(stored: dict[str, Any]) -> None:
    assert problems('8', stored) == []
    changed = copy.deepcopy(stored)
    changed[NAME]['optimizer']['lr'] = 1.0
    assert len(problems('8', changed)) == 1


@pytest.mark.parametrize('change', ['name', 'seed'])
def test_a_run_that_is_not_generated_fails(stored: dict[str, Any], change: str) -> None:
    stored = {'other': stored[NAME]} if change == 'name' else {NAME: {**stored[NAME], 'seed': 0}}
    assert any('not generated' in problem for problem in problems('8', stored))


def test_a_generated_run_that_is_not_stored_fails() -> None:
    configs = compose_all(next(e for e in TABLE.values() if e.paper == 'HRDA' and e.exp == 40))
    check = Check()
    _compare_generated(check, 'hrda', '40', configs)
    assert check.problems == []
    _compare_generated(check, 'hrda', '40', configs[1:])
    assert check.problems
