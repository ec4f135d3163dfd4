"""The judge itself: comparisons that must fail do fail."""

import json

import pytest
import torch

from tests.parity.__main__ import main
from tests.parity.core import Case, Check, collect, run_case


def test_close_accepts_within_and_rejects_outside_tolerance():
    check = Check()
    check.close('near', torch.tensor([1.0, 2.0]), [1.0, 2.0001], rtol=1e-4)
    assert not check.problems
    check.close('far', torch.tensor([1.0, 2.0]), [1.0, 2.1], rtol=1e-4)
    assert len(check.problems) == 1
    assert check.max_abs == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize(
    ('got', 'want'),
    [([1.0], [float('nan')]), ([float('nan')], [1.0]), ([float('inf')], [1.0]), ([1.0, 2.0], [1.0])],
)
def test_close_rejects_nan_infinity_and_other_shapes(got, want):
    check = Check()
    check.close('x', got, want, atol=1e9)
    assert check.problems


def test_nan_equals_nan():
    check = Check()
    check.close('x', [float('nan'), 1.0], [float('nan'), 1.0])
    assert not check.problems


@pytest.mark.parametrize(
    ('got', 'want'), [('a', 'b'), ({'a': 1}, {'a': 2}), ([1, 2], [1, 3]), (None, 0), (['a'], ['b'])]
)
def test_equal_rejects_different_values(got, want):
    check = Check()
    check.equal('x', got, want)
    assert check.problems


def test_case_that_compares_nothing_fails():
    assert not run_case(Case('empty', lambda check: None)).passed


def test_exception_is_a_failure_with_its_message():
    def run(check: Check) -> None:
        raise ValueError('broken')

    result = run_case(Case('bad', run))
    assert not result.passed
    assert 'broken' in result.problems[0]


def test_unknown_and_unreadable_files_fail(tmp_path):
    (tmp_path / 'unheard').mkdir()
    (tmp_path / 'unheard/of.json').write_text('{}')
    (tmp_path / 'keys').mkdir()
    (tmp_path / 'keys/backbone_mit_b0.json').write_text('not json')
    cases = {case.name: run_case(case) for case in collect(tmp_path)}
    assert set(cases) == {'unheard/of', 'keys/backbone_mit_b0'}
    assert not any(result.passed for result in cases.values())
    assert main([str(tmp_path)]) == 1


def test_json_output_ends_with_the_counts(tmp_path, capsys):
    (tmp_path / 'other.json').write_text('{}')
    assert main([str(tmp_path), '--json']) == 1
    lines = capsys.readouterr().out.splitlines()
    assert json.loads(lines[0])['name'] == 'other'
    assert json.loads(lines[-1]) == {'passed': 0, 'failed': 1}
