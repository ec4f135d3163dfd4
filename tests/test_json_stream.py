"""JSON a block at a time holds what JSON at once holds, however it is written."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg import json_stream
from mmseg.json_stream import list_blocks, lists_by_key

TEXTS = st.text(st.sampled_from('a",[]{}:\\ é\n'), max_size=6)
VALUES = st.one_of(
    st.integers(),
    TEXTS,
    st.lists(st.one_of(TEXTS, st.integers()), max_size=3),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
)
LAYOUTS = [{}, {'indent': 2}, {'separators': (',', ':')}, {'ensure_ascii': False}]


@pytest.fixture(params=[3, 64, 1 << 20])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, 'BLOCK', request.param)


def read_list(text: str) -> list[Any]:
    return [member for some in list_blocks(io.BytesIO(text.encode())) for member in some]


def read_lists(text: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for key, some in lists_by_key(io.BytesIO(text.encode())):
        found.setdefault(key, []).extend(some)
    return found


@pytest.mark.usefixtures('block')
@pytest.mark.parametrize('layout', LAYOUTS)
def test_lists_and_objects_of_lists(layout: dict[str, Any]) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.lists(VALUES, max_size=8))
    def lists(value: list[Any]) -> None:
        assert read_list(json.dumps(value, **layout)) == value

    @settings(max_examples=25, deadline=None)
    @given(st.dictionaries(TEXTS, st.lists(VALUES, max_size=6), min_size=1, max_size=3))
    def objects(value: dict[str, list[Any]]) -> None:
        assert read_lists(json.dumps(value, **layout)) == value

    lists()
    objects()


@pytest.mark.usefixtures('block')
@pytest.mark.parametrize(
    'text', ['', '[', '[1', '[1,', '[1,]', '[1 2]', '{}', '[1]]', '[1] 2', '["a]', '[[1]', 'x']
)
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(ValueError, match=r'.'):
        read_list(text)


@pytest.mark.usefixtures('block')
@pytest.mark.parametrize(
    'text',
    [
        '',
        '[]',
        '{}',
        '{',
        '{"a"',
        '{"a": 1}',
        '{"a": [1}',
        '{"a": [1]',
        '{"a": []} 1',
        '{"a": [], "a": []}',
        '{1: []}',
    ],
)
def test_what_is_no_object_of_lists(text: str) -> None:
    with pytest.raises(ValueError, match=r'.'):
        read_lists(text)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert list(list_blocks(io.BytesIO(b'\xef\xbb\xbf[1]'))) == [[1]]
    with pytest.raises(UnicodeDecodeError):
        list(list_blocks(io.BytesIO(b'["\xff"]')))


def test_members_come_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, 'BLOCK', 256)
    text = json.dumps([['name', n] for n in range(200)], indent=2)
    sizes = [len(some) for some in list_blocks(io.BytesIO(text.encode()))]
    assert sum(sizes) == 200
    assert max(sizes) < 20
    assert len(sizes) < 60
