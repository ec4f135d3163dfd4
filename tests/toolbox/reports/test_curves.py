"""The curves of a page."""

import math

import pytest

from mmseg.toolbox.reports.curves import curve_groups, group_of, thinned
from mmseg.toolbox.reports.logs import RunLog


@pytest.mark.parametrize(
    ('name', 'heading'),
    [
        ('mIoU', 'Validation scores (%)'),
        ('IoU.traffic light', 'Validation IoU by class (%)'),
        ('Acc.road', 'Accuracy of each class (%)'),
        ('mix.decode.loss_seg', 'Losses'),
        ('loss', 'Losses'),
        ('src.loss_imnet_feat_dist', 'Losses'),
        ('decode.acc_seg', 'Other values of the log'),
        ('instance.lossless', 'Losses'),
        ('lr', 'Speed and memory'),
    ],
)
def test_values_stand_with_their_like(name: str, heading: str) -> None:
    assert group_of(name) == heading


def test_groups_have_lines_of_the_runs_that_have_values() -> None:
    first = RunLog({'loss': [(50, 1.0), (100, 0.5)]}, {'IoU.road': [(100, 70.0)]})
    second = RunLog({'loss': [(50, 2.0)]}, {'IoU.road': [(100, math.nan)]})
    classes, losses = curve_groups({'a': first, 'b': second})
    assert (classes['heading'], classes['range']) == ('Validation IoU by class (%)', (0.0, 100.0))
    assert [(panel['name'], len(panel['lines'])) for panel in classes['panels']] == [('road', 1)]
    assert losses['range'] is None
    assert losses['panels'][0]['lines'] == [
        {'run': 0, 'x': [50, 100], 'y': [1.0, 0.5]},
        {'run': 1, 'x': [50], 'y': [2.0]},
    ]


def test_a_class_that_never_occurs_has_no_panel() -> None:
    log = RunLog({}, {'IoU.train': [(100, math.nan)], 'IoU.road': [(100, 1.0)]})
    assert [panel['name'] for panel in curve_groups({'a': log})[0]['panels']] == ['road']
    assert curve_groups({'a': RunLog()}) == []


def test_thinning_keeps_peaks_order_and_few_values_as_they_are() -> None:
    series = [(i, float(i % 7)) for i in range(10_000)]
    series[5003] = (5003, 99.0)
    series[77] = (77, -99.0)
    kept = thinned(series, 500)
    assert len(kept) <= 502
    assert {series[5003], series[77]} < {*kept}
    assert kept == sorted(kept)
    assert thinned(series[:500], 500) == series[:500]


def test_thinning_bears_what_is_no_number() -> None:
    series = [(i, math.nan if i % 2 else float(i)) for i in range(1000)]
    assert {value for _, value in thinned(series, 10) if not math.isnan(value)}


def test_a_page_does_not_grow_with_the_number_of_runs() -> None:
    log = RunLog({'loss': [(i, float(i % 7)) for i in range(5000)]})

    def values(runs: int) -> int:
        (group,) = curve_groups({str(i): log for i in range(runs)})
        return sum(len(line['x']) for line in group['panels'][0]['lines'])

    assert values(2) == pytest.approx(2 * 600, rel=0.1)
    assert values(8) == pytest.approx(8 * 600, rel=0.1)
    assert values(32) == pytest.approx(8 * 600, rel=0.1)
