"""What is written reads as what was given."""

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config

from mmseg.config import load_config
from mmseg.config.literals import written_values
from mmseg.config.shipped import shipped_configs
from mmseg.config.writing import INDENT, WIDTH, config_text

NAMES = st.sampled_from(['type', 'a', 'lr_config', 'größe'])
KEYS = NAMES | st.sampled_from(['class', 'lambda', 'a b', "it's", '', '1st']) | st.integers(0, 30)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=['Cs']), max_size=200)
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_written_values_are_read_again(values: dict[str, Any]) -> None:
    assert written_values(config_text(values)) == (values, True)


@pytest.mark.parametrize('name', shipped_configs())
def test_shipped_configurations(name: str, tmp_path: Path) -> None:
    cfg = load_config(shipped_configs()[name])
    path = tmp_path / 'config.py'
    path.write_text(config_text(cfg), encoding='utf-8')
    assert Config.fromfile(path).to_dict() == cfg.to_dict()
    assert max(map(len, path.read_text().splitlines())) <= WIDTH


def test_layout() -> None:
    long = {'type': 'Long', 'names': [f'a name of the class {number}' for number in range(3)], 'empty': {}}
    assert config_text({'runner': {'type': 'X', 'max_iters': 5}, 'one': (1,), 'b': long, 'mixed': {1: 2, 'a': ()}}) == (
        "b = dict(\n"
        "    empty=dict(),\n"
        "    names=['a name of the class 0', 'a name of the class 1', 'a name of the class 2'],\n"
        "    type='Long'\n"
        ")\n"
        "mixed = {1: 2, 'a': ()}\n"
        "one = (1,)\n"
        "runner = dict(max_iters=5, type='X')\n"
    )  # fmt: skip
    assert INDENT == 4


def test_words_of_python_are_keys_of_a_literal() -> None:
    assert config_text({'a': {'class': 1, 'lambda': 2}}) == "a = {'class': 1, 'lambda': 2}\n"


def test_types_are_written_by_name() -> None:
    assert config_text({'a': {'type': int}, 'b': Path}) == 'a = dict(type=int)\nb = pathlib.Path\n'


def test_numbers_that_are_no_literals_come_first() -> None:
    text = config_text({'a': [float('inf'), -float('inf')], 'b': float('nan')})
    assert text == "inf = float('inf')\nnan = float('nan')\na = [inf, -inf]\nb = nan\n"
    assert written_values(text)[0]['a'] == [float('inf'), -float('inf')]


def test_json_may_have_keys_of_several_kinds() -> None:
    text = config_text({'a b': 1, 'merge': {1: 2, 'other': 3}})
    assert written_values(text) == ({'a b': 1, 'merge': {'1': 2, 'other': 3}}, True)


def test_a_key_that_is_no_name_makes_it_json() -> None:
    values = {'a b': 1, 'c': {'d': [2]}}
    assert written_values(config_text(values)) == (values, True)
    with pytest.raises(SyntaxError):
        ast.parse('a b = 1')
