"""Means over seeds beside published values."""

import math
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from mmseg.toolbox.experiments import TABLE
from mmseg.toolbox.experiments.collection import (
    HEADS,
    as_json,
    as_text,
    cells,
    markdown_table,
    published_of,
    summarise,
)
from mmseg.toolbox.experiments.generate import compose_all
from mmseg.toolbox.experiments.outcomes import LeftOut, Outcome, setting_of

SYNTHIA = 'syn2cs_dacs_a999_fdthings_rcs001_cpl_daformer_sepaspp_mitb5_poly10warm'


def outcome(seed: int, iou: dict[str, float], setting: str = SYNTHIA, experiment: str = '8') -> Outcome:
    return Outcome(setting, seed, experiment, Path(f'run{seed}'), {'student': iou}, {'student': 'test'})


def test_mean_spread_and_published_value_over_its_classes() -> None:
    """SYNTHIA's means leave out what it does not show, as published."""
    runs = [
        outcome(1, {'road': 70.0, 'wall': 10.0, 'train': 0.0}),
        outcome(0, {'road': 60.0, 'wall': 30.0, 'train': 0.0}),
    ]
    sixteen, thirteen = summarise(runs)
    assert (sixteen.title, sixteen.mean) == ('SYNTHIA (16 classes)', 42.5)
    assert sixteen.spread == pytest.approx(math.sqrt(12.5))
    assert sixteen.difference == pytest.approx(42.5 - 63.3)
    assert (thirteen.mean, [seed for seed, _, _ in thirteen.runs]) == (65.0, [0, 1])
    assert cells([thirteen])[0][1:] == [
        'student',
        '2',
        '0, 1',
        '65.0 ± 7.1',
        '70.1 (SYNTHIA (13 classes))',
        '-5.1',
    ]


def test_a_single_run_has_no_spread_and_absent_classes_do_not_count() -> None:
    (summary,) = summarise([outcome(0, {'road': 70.0, 'car': math.nan}, 'mine', '')])
    assert (summary.mean, summary.spread, summary.difference) == (70.0, None, None)
    assert cells([summary])[0] == ['mine', 'student', '1', '0', '70.0', '-', '-']


def test_scores_of_other_pictures_are_not_compared() -> None:
    name = 'cs2acdc_dacs_a999_fdthings_rcs001_cpl_daformer_sepaspp_mitb5_poly10warm'
    (summary,) = summarise([outcome(0, {'road': 50.0}, name, 'daformer-8')])
    assert summary.difference is None
    assert cells([summary])[0][-2:] == ['55.4 (ACDC (test set))', '-']


def test_every_published_value_belongs_to_one_setting() -> None:
    for experiment in TABLE.values():
        names = {setting_of(cfg['name'], cfg['seed']) for cfg in compose_all(experiment)}
        for title, value in experiment.published.items():
            fitting = [name for name in names if fnmatchcase(name, value.runs)]
            assert len(fitting) == 1, (experiment.id, title, fitting)


def test_without_an_experiment_a_name_must_be_enough() -> None:
    """DIDA's run is called as DAFormer's."""
    assert list(published_of('7', SYNTHIA.replace('syn2', 'gta2'))) == ['GTA']
    assert list(published_of('6', SYNTHIA.replace('syn2', 'gta2'))) == ['daformer_sepaspp']
    assert list(published_of('', SYNTHIA)) == ['']


def test_formats() -> None:
    runs = [outcome(seed, {'road': 60.0 + seed, 'car': 1.0}, 'mine', '') for seed in range(3)]
    summaries, left = summarise(runs), [LeftOut(Path.cwd() / 'run9', 'why not')]
    assert 'Left out: run9: why not' in as_text(summaries, left)
    table = markdown_table(HEADS, cells(summaries))
    assert table.splitlines()[2] == '| mine | student | 3 | 0, 1, 2 | 31.0 ± 0.5 | - | - |'
    (entry,) = as_json(summaries, left)['settings']
    assert (entry['mean'], entry['sd'], entry['n'], entry['published']) == (31.0, 0.5, 3, None)
    assert entry['class_iou']['road'] == {'mean': 61.0, 'sd': 1.0}
    assert [run['mIoU'] for run in entry['runs']] == [30.5, 31.0, 31.5]
    assert as_json(summaries, left)['left_out'] == [{'folder': 'run9', 'reason': 'why not'}]
