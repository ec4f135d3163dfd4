"""Weight files for others."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmseg.errors import UsageError
from mmseg.models.weights import load_weights, meta_of, read_weight_file
from mmseg.models.weights.sources import matches_mark
from mmseg.models.weights.writing import SUFFIXES, plain, put_hash_into_name, write_weights


@pytest.mark.parametrize('suffix', SUFFIXES)
@pytest.mark.parametrize('meta', [None, {'config': 'a = 1', 'CLASSES': ['road']}])
def test_written_files_are_read_back(tmp_path, suffix, meta) -> None:
    whole = torch.arange(12.0).view(3, 4)
    state = {'a': whole, 'b': whole.T, 'c': whole[:, 1]}  # safetensors refuses what shares memory
    path = tmp_path / f'new/x{suffix}'
    write_weights(path, state, meta)
    loaded = load_weights(path)
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], state[key]) for key in state)
    assert meta_of(read_weight_file(path)) == (meta or {})
    assert path.stat().st_size < 3000


def test_hash_in_the_name(tmp_path) -> None:
    (tmp_path / 'x.pth').write_bytes(b'abc')
    marked = put_hash_into_name(tmp_path / 'x.pth')
    assert marked.name == 'x-ba7816bf.pth'
    assert matches_mark(marked)
    assert list(tmp_path.iterdir()) == [marked]


def test_other_endings(tmp_path) -> None:
    with pytest.raises(UsageError, match=r'x\.npz: expected a name that ends in'):
        write_weights(tmp_path / 'x.npz', {'a': torch.zeros(1)})


def test_plain_values() -> None:
    value = {'a': (1, np.float32(0.5), None), 2: [np.arange(2), Path('x')], 'c': {'d': 'e'}}
    assert plain(value) == {'a': [1, 0.5, None], '2': [[0, 1], None], 'c': {'d': 'e'}}


def test_plain_values_of_lists_that_hold_each_other() -> None:
    circle: list[object] = [1]
    circle.append(circle)
    assert plain(circle, 2) == [1, [1, None]]
    assert len(plain([0] * 5000)) == 1000
