"""Values of a text that is not run."""

import ast
import math

import pytest

from mmseg.config.literals import literal_value, written_values


def test_what_a_saved_configuration_sets() -> None:
    text = "inf = float('inf')\na = dict(b=[1, (2, 'x')], c={'d': None})\nt = dict(temp=inf)\n"
    assert written_values(text) == (
        {'a': {'b': [1, (2, 'x')], 'c': {'d': None}}, 't': {'temp': math.inf}},
        True,
    )
    assert written_values('') == ({}, True)


@pytest.mark.parametrize(
    'text', ['a = 1\nimport os', 'a = 1\nb = f(2)', 'a = 1\nb = c', 'a = 1\nb.c = 2', 'a = 1\nb = {[1]: 2}']
)
def test_what_is_more_than_that_is_left_out(text: str) -> None:
    assert written_values(text) == ({'a': 1}, False)


def test_json_says_the_same() -> None:
    assert written_values('{"a": {"b": [1, null]}}') == ({'a': {'b': [1, None]}}, True)
    assert written_values('[1]') == ({}, False)


def test_what_builds_on_other_files_is_not_all() -> None:
    assert written_values("_base_ = ['x.py']\na = 1") == ({'_base_': ['x.py'], 'a': 1}, False)
    assert written_values('{"_base_": "x.py"}') == ({'_base_': 'x.py'}, False)


def test_no_python_at_all() -> None:
    assert written_values('{"a": 1') == ({}, False)
    assert written_values('a = ' + '[' * 10_000) == ({}, False)


def test_calls_and_names_are_refused() -> None:
    for text in ('f(1)', 'dict(1)', 'dict(**a)', 'name', '{None: 1}'):
        with pytest.raises(ValueError):  # noqa: PT011  # of ast, too
            literal_value(ast.parse(text, mode='eval').body)
