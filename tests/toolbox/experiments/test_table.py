"""Every listed row composes to a valid configuration."""

from collections.abc import Iterator
from typing import Any

import pytest

from experiments import generate_experiment_cfgs
from mmseg.config import load_config
from mmseg.errors import UsageError
from mmseg.toolbox.experiments import TABLE, hrda
from mmseg.toolbox.experiments.generate import compose, compose_all
from mmseg.toolbox.experiments.rows import AnyRow, Experiment, FileRow, Row
from mmseg.toolbox.experiments.table import PAPERS, find_experiment


def _rows() -> Iterator[Any]:
    """Every listed row once; all but the first of each experiment belong to the slow tier."""
    seen: set[AnyRow] = set()
    for experiment in TABLE.values():
        for number, row in enumerate(experiment.rows):
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


@pytest.mark.parametrize(
    ('row', 'told'),
    [
        (Row('daformer_sepaspp', 'mitb5', 'dacs_fdthing'), "nearest valid name is 'dacs_fdthings'"),
        (
            Row('daformer_sepaspp', 'mitb5', 'dacs', source='gtaHD'),
            "900 needs .*uda_gtaHD_to_cityscapes.*'uda_gta",
        ),
        (FileRow('demo/builtin_daforme.py'), "'builtin_daformer'"),
    ],
)
def test_parts_of_a_row_that_do_not_exist_are_told(row: AnyRow, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        compose_all(Experiment('900', 'Mine', '-', 'With a mistake', (row,)))


def test_runs_of_every_paper_are_counted() -> None:
    """The published numbers of runs; of DIDA, what is not DAFormer's.

    Source: docs/methods/experiments.md#counts, docs/methods/mic.md#experiments.
    """
    runs: dict[str, int] = {}
    for experiment in TABLE.values():
        runs[experiment.paper] = runs.get(experiment.paper, 0) + len(generate_experiment_cfgs(experiment.id))
    assert (runs['DAFormer'], runs['HRDA'], runs['MIC']) == (182, 132, 102)
    assert [len(generate_experiment_cfgs(exp)) for exp in (7, 8, 'daformer-7', 'daformer-8')] == [1, 1, 3, 6]


def test_final_hrda_is_slid_over_full_resolution() -> None:
    row = TABLE['40'].rows[0]
    assert isinstance(row, Row)
    assert (row.architecture, row.inference, row.crop) == (hrda.HRDA, 'slide', '1024x1024')


def test_ids_that_two_papers_have_reach_both() -> None:
    assert generate_experiment_cfgs('7')[0]['uda'].get('instance_bank')
    assert 'instance_bank' not in generate_experiment_cfgs('daformer-7')[0]['uda']
    assert {cfg['exp'] for exp in ('8', 'daformer-8') for cfg in generate_experiment_cfgs(exp)} == {8}


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
