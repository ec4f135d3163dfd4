"""Values on the command line."""

import argparse
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg.config import OptionsAction, parse_options
from mmseg.errors import UsageError


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('a=1', 1),
        ('a=1e-4', 1e-4),
        ('a=inf', math.inf),
        ('a=True', True),
        ('a=None', None),
        ('a=fp32', 'fp32'),
        ('a=(512,256)', (512, 256)),
        ('a=[1,2]', [1, 2]),
        ('a=1,2', [1, 2]),
        ('a=[(1,2),(3,4)]', [(1, 2), (3, 4)]),
        ('a=x=y', 'x=y'),
        ('a=it(is,a)text', 'it(is,a)text'),
        ('a=open("x","w")', 'open("x","w")'),
        ("a=[dict(type='A',b=0.1)]", [{'type': 'A', 'b': 0.1}]),
        (
            "a=[dict(type='A'), {'type': 'B', 'c': [1, (2, -3)], 'd': None}]",
            [{'type': 'A'}, {'type': 'B', 'c': [1, (2, -3)], 'd': None}],
        ),
        ("a=dict(type='A',b=dict(c=True))", {'type': 'A', 'b': {'c': True}}),
        ('a={}', {}),
        ('a=dict(b=open("x"))', 'dict(b=open("x"))'),
        ("a=[dict(type='A',b=c)]", "[dict(type='A',b=c)]"),
        ('a=dict(**{})', 'dict(**{})'),
    ],
)
def test_values_are_typed(text: str, value: Any) -> None:
    assert parse_options([text]) == {'a': value}


@pytest.mark.parametrize('text', ['seed', '=3', 'a=(1,2', 'a=[1'])
def test_wrong_texts_are_explained(text: str) -> None:
    with pytest.raises(UsageError, match='--cfg-options'):
        parse_options([text])


@given(st.integers())
def test_whole_numbers_survive(number: int) -> None:
    assert parse_options([f'seed={number}']) == {'seed': number}


def test_action_collects_and_reports(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=OptionsAction, default={})
    given_twice = parser.parse_args(['--cfg-options', 'a=1', 'b.c=2', '--cfg-options', 'a=3'])
    assert given_twice.cfg_options == {'a': 3, 'b.c': 2}
    assert parser.parse_args([]).cfg_options == {}
    with pytest.raises(SystemExit, match='2'):
        parser.parse_args(['--cfg-options', 'seed'])
    assert 'expected KEY=VALUE' in capsys.readouterr().err
