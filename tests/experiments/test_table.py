"""Every listed row composes to a valid configuration."""

from collections.abc import Iterator
from typing import Any

import pytest

from experiments import generate_experiment_cfgs
from mmseg.config import load_config
from mmseg.errors import UsageError
from mmseg.experiments import TABLE, available_rows
from mmseg.experiments.generate import compose
from mmseg.experiments.rows import AnyRow, FileRow, Row
from mmseg.experiments.table import PAPERS, find_experiment, is_available


def _rows() -> Iterator[Any]:
    """Every listed row once; all but the first of each experiment belong to the slow tier."""
    seen: set[AnyRow] = set()
    for experiment in TABLE.values():
        for number, row in enumerate(available_rows(experiment)):
            label = str(compose(row, 0, experiment.exp)['name'])
            if row not in seen:
                yield pytest.param(experiment.exp, row, id=label, marks=[pytest.mark.slow] if number else [])
            seen.add(row)


@pytest.mark.parametrize(('exp', 'row'), list(_rows()))
def test_row_composes_and_is_valid(exp: int | str, row: AnyRow) -> None:
    cfg = load_config(compose(row, 0, exp))
    assert cfg.model.type
    assert cfg.exp == exp
    assert cfg.seed == 0


def test_every_paper_is_in_the_table() -> None:
    assert len(TABLE) == sum(len(paper.EXPERIMENTS) for paper in PAPERS)
    assert TABLE['daformer-7'].exp == TABLE['7'].exp == 7
    assert TABLE['5'].exp == 5


def test_unknown_id_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match='daformer-7'):
        generate_experiment_cfgs(9)


def test_rows_without_network_or_data_are_left_out() -> None:
    assert is_available(Row('daformer_sepaspp', 'mitb5', 'dacs'))
    assert not is_available(Row('daformer_sepaspp', 'mitb5', 'no_such_method'))
    assert not is_available(FileRow('demo/no_such_file.py'))


def test_seeds_are_the_innermost_loop() -> None:
    names = [cfg['name'] for cfg in generate_experiment_cfgs(5)[:4]]
    stem = 'gta2cs_dacs_rcsinf_segformer_mitb5_poly10warm'
    assert names == [
        f'{stem}_s0',
        f'{stem}_s1',
        f'{stem}_s2',
        'gta2cs_dacs_rcs001_segformer_mitb5_poly10warm_s0',
    ]


def test_ids_are_numbers_or_names() -> None:
    assert find_experiment(6) is find_experiment('6')
