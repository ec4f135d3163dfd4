"""Arrays that a pickle describes wrongly: refused, whatever kind of file they come in."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmseg.errors import CheckpointError
from mmseg.models.weights import load_weights, read_weight_file
from mmseg.models.weights.arrays import NumberArray, NumberType

RECONSTRUCT, SCALAR = np.zeros(0).__reduce__()[0], np.float64(0).__reduce__()[0]
WRITERS: dict[str, Callable[[object, Path], object]] = {
    'zip': lambda content, file: torch.save(content, file),
    'stream': lambda content, file: torch.save(content, file, _use_new_zipfile_serialization=False),
    'protocol 2': lambda content, file: file.write_bytes(pickle.dumps(content, 2)),
    'protocol 5': lambda content, file: file.write_bytes(pickle.dumps(content, 5)),
}


class Call:
    """Is written as the call of a function, and a state."""

    def __init__(self, function: Any, *arguments: object, state: Any = None) -> None:
        self.reduced = (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


def array(shape: Any, kind: Any, content: Any) -> Call:
    kind = np.dtype(kind) if isinstance(kind, str | list) else kind
    return Call(RECONSTRUCT, np.ndarray, (0,), b'b', state=(1, shape, kind, False, content))


CRAFTED = {
    'objects as bytes': array((4,), 'O', b'A' * 32),
    'objects as list': array((2,), 'O', [1, 2]),
    'objects in a record': array((4,), [('a', 'O')], b'A' * 32),
    'bytes without type': array((4,), 'V8', b'A' * 32),
    'text that is none': array((2,), 'U4', b'\xff' * 32),
    'dates': array((2,), 'M8[s]', b'\xff' * 16),
    'long doubles': array((2,), 'g', b'\xff' * 2 * np.dtype('g').itemsize),
    'too few bytes': array((1000,), 'f4', b'1234'),
    'too many bytes': array((1,), 'f4', b'12345678'),
    'huge': array((2**40,), 'f4', b'1234'),
    'overflow': array((2**32, 2**32), 'f4', b''),
    'negative': array((-1, -1), 'f4', b'1234'),
    'sizes that are no numbers': array((2.0,), 'f4', b'12345678'),
    'no sizes': array('ab', 'f4', b'12345678'),
    'no type': array((2,), 3, b'12345678'),
    'no bytes': array((2,), 'f4', [1, 2]),
    'number of objects': Call(SCALAR, np.dtype('O'), b'12345678'),
    'number cut off': Call(SCALAR, np.dtype('f8'), b'1'),
    'bytearray of any size': Call(bytearray, 2 * 10**9),
}


@pytest.mark.parametrize('writer', WRITERS)
@pytest.mark.parametrize('name', CRAFTED)
def test_crafted_arrays_are_refused(tmp_path: Path, name: str, writer: str) -> None:
    file = tmp_path / 'x.pth'
    WRITERS[writer]({'state_dict': {'weight': CRAFTED[name]}}, file)
    with pytest.raises(CheckpointError, match=r'x\.pth') as raised:
        load_weights(file)
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize('writer', WRITERS)
@pytest.mark.parametrize('arguments', [((2**33,), 'f8'), ((4,), 'O', b'A' * 32)])
def test_arrays_cannot_be_called_into_being(tmp_path: Path, arguments: Any, writer: str) -> None:
    WRITERS[writer]({'x': Call(np.ndarray, *arguments)}, tmp_path / 'x.pth')
    assert read_weight_file(tmp_path / 'x.pth')['x'].size == 0


@pytest.mark.parametrize('writer', WRITERS)
@pytest.mark.parametrize('code', ['?', 'i1', '<i8', '>i4', 'u2', 'f2', '>f4', 'f8', 'c8'])
def test_numbers_are_what_they_were(tmp_path: Path, code: str, writer: str) -> None:
    values = np.array([[0, 1, 2], [3, 4, 5]]).astype(code)
    WRITERS[writer]({'a': values, 'b': values.T, 'c': values[:0], 'd': values[1, 1]}, tmp_path / 'x.pth')
    found = read_weight_file(tmp_path / 'x.pth')
    for key, expected in {'a': values, 'b': values.T, 'c': values[:0], 'd': values[1, 1]}.items():
        assert np.array_equal(found[key], expected)
        assert found[key].dtype.newbyteorder('=') == expected.dtype.newbyteorder('=')


def test_both_orders_of_bytes_become_tensors(tmp_path: Path) -> None:
    torch.save({'weight': np.array([1.5, 2.0], '>f4')}, tmp_path / 'x.pth')
    assert load_weights(tmp_path / 'x.pth')['weight'].tolist() == [1.5, 2.0]


anything = st.recursive(
    st.none() | st.integers() | st.floats() | st.binary(max_size=40) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=6,
)


@given(shape=anything, fortran=anything, content=anything, code=st.sampled_from(['f4', 'i8', 'b1']))
def test_no_state_crashes(shape: Any, fortran: Any, content: Any, code: str) -> None:
    made = NumberArray()
    try:
        made.__setstate__((1, shape, NumberType(code), fortran, content))
    except pickle.UnpicklingError:
        return
    assert made.nbytes == len(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    'content',
    [
        b'\x80\x04K\x01r\xff\xff\xff\x7f.',  # remembers a value under number 2 ** 31
        b'\x80\x04\x8e' + (2**36).to_bytes(8, 'little') + b'abc.',
        b'\x80\x05\x96' + (2**36).to_bytes(8, 'little') + b'abc.',
        b'\x80\x04\x95' + (2**36).to_bytes(8, 'little') + b'abc.',
        b'\x80\x02' + b']' * 10**6 + b'a' * (10**6 - 1) + b'.',
    ],
    ids=['memo', 'bytes', 'bytearray', 'frame', 'nesting'],
)
def test_claims_of_pickles_take_no_memory(tmp_path: Path, content: bytes) -> None:
    (tmp_path / 'x.pth').write_bytes(content)
    with pytest.raises(CheckpointError, match=r'x\.pth'):
        load_weights(tmp_path / 'x.pth')
