"""The list of combinations, and what is kept about them."""

from pathlib import Path
from typing import Any

import pytest

from mmseg.toolbox.experiments import generate_experiment_cfgs
from tests.startup.combinations import Outcome, combinations, read_outcome, summary, write_outcome

HRDA_RUNS = {40: 6, 41: 24, 42: 21, 43: 21, 44: 54, 49: 6}


def test_every_network_and_method_of_the_tables_is_there() -> None:
    listed = combinations()
    assert len({item.name for item in listed}) == len(listed)
    for exp in (1, 41, 44, 84):
        for cfg in generate_experiment_cfgs(exp):
            assert f'{cfg["name_architecture"]}+{cfg["name_uda"]}' in {item.name for item in listed}


@pytest.mark.parametrize('exp', HRDA_RUNS)
def test_every_row_of_hrda_starts_and_stands_for_its_seeds(exp: int) -> None:
    """What starts is seed 0; the other seeds of the 132 runs differ from it in nothing else."""
    started = {item.run for item in combinations()}
    rows: dict[str, list[dict[str, Any]]] = {}
    for cfg in generate_experiment_cfgs(exp):
        rows.setdefault(cfg['name'].rsplit('_s', 1)[0], []).append(cfg)
    assert sum(map(len, rows.values())) == HRDA_RUNS[exp]
    for first, *others in rows.values():
        assert first['name'] in started
        for other in others:
            assert {key for key in first if first[key] != other.get(key)} == {'name', 'seed'}


def test_banks_that_names_leave_out_are_methods() -> None:
    methods = {item.exp: item.method for item in combinations() if item.exp in ('7', '8')}
    assert methods['7'].endswith('_cpl_ib300-published')
    assert methods['8'].endswith('_cpl_ib300-published-16classes')


def test_new_networks_and_methods_come_before_repetitions() -> None:
    listed = [item for item in combinations() if '@' not in item.method]
    new = [
        index
        for index, item in enumerate(listed)
        if not any(item.network == other.network for other in listed[:index])
        or not any(item.method == other.method for other in listed[:index])
    ]
    assert new == list(range(len(new)))


def test_outcomes_are_kept_and_summed_up(tmp_path: Path) -> None:
    first, second = combinations()[:2]
    write_outcome(tmp_path, Outcome(first.name, '', 30.0, 12.0))
    write_outcome(tmp_path, Outcome(second.name, 'no memory', 9.0, 3.0))
    assert read_outcome(tmp_path, first.name) == Outcome(first.name, '', 30.0, 12.0)
    lines = list(summary(tmp_path))
    assert lines[2] == f'| {first.network} | {first.method} | {first.exp} | ran | 12 |'
    assert 'failed: no memory' in lines[3]
    assert lines[-1].startswith(f'1 of {len(combinations())} ran, 1 failed')
