"""Pickles of plain values and arrays, and others."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmseg.errors import CheckpointError
from mmseg.models.weights import read_plain_pickle


class Attack:
    """Calls a function when it is unpickled by a careless reader."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_and_arrays(tmp_path, protocol) -> None:
    content = [
        np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3).T, np.float32(0.5), {1, 2}, (None, 'a', b'\xff', 1.5),
        OrderedDict(a=1),
    ]  # fmt: skip
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps(content, protocol))
    loaded = read_plain_pickle(tmp_path / 'x.pkl')
    assert (loaded[0] == content[0]).all()
    assert (loaded[1] == content[1]).all()
    assert loaded[2:] == content[2:]


@pytest.mark.parametrize('function', [os.system, eval, getattr, __import__, pickle.loads, np.load, Path])
@pytest.mark.parametrize('protocol', [0, 2, 4])
def test_anything_else_is_refused_by_name(tmp_path, function, protocol) -> None:
    file, mark = tmp_path / 'x.pkl', tmp_path / 'mark'
    file.write_bytes(pickle.dumps([Attack(function, f'touch {mark}')], protocol))
    with pytest.raises(CheckpointError, match=rf'x\.pkl cannot be read.*{function.__name__}.*could run code'):
        read_plain_pickle(file)
    assert not mark.exists()


@pytest.mark.parametrize('content', [b'', b'text', pickle.dumps(np.zeros(100))[:50]])
def test_damaged_files(tmp_path, content) -> None:
    (tmp_path / 'x.pkl').write_bytes(content)
    with pytest.raises(CheckpointError, match=r'x\.pkl cannot be read'):
        read_plain_pickle(tmp_path / 'x.pkl')
    with pytest.raises(CheckpointError, match='does not exist'):
        read_plain_pickle(tmp_path / 'absent.pkl')
