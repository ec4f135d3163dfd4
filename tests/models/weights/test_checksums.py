"""Whatever byte of a checkpoint changes: it says the same as before, or the damage is found."""

import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmseg.engine.checkpoint import damage, write_checkpoint
from mmseg.errors import CheckpointError
from mmseg.models.weights import read_weight_file
from mmseg.models.weights.checksums import LENGTH, add_checksum

CONTENTS = {
    'meta': {'iter': 1, 'CLASSES': ('road', 'sky')},
    'state_dict': {'weight': torch.arange(40.0), 'count': torch.ones(3, dtype=torch.int64)},
    'optimizer': {'state': {0: {'exp_avg': torch.zeros(5)}}, 'param_groups': [{'lr': 0.1, 'params': [0]}]},
}


def same(one: Any, other: Any) -> bool:
    """Equal plain values and tensors, bit for bit."""
    if isinstance(one, torch.Tensor):
        facts = [(t.dtype, t.shape, t.numpy().tobytes()) for t in (one, other) if isinstance(t, torch.Tensor)]
        return len(facts) == 2 and facts[0] == facts[1]
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


@pytest.fixture(scope='module')
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('sealed') / 'iter_1.pth'
    write_checkpoint(path, CONTENTS)
    return path


@pytest.fixture(scope='module')
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the properties put their damaged file."""
    return tmp_path_factory.mktemp('damaged') / 'iter_1.pth'


def test_a_sound_file_is_an_ordinary_one(file: Path) -> None:
    assert damage(file) is None
    assert zipfile.ZipFile(file).testzip() is None
    for mapped in (False, True):
        assert same(torch.load(file, weights_only=True, mmap=mapped), CONTENTS)


def test_one_bit_of_every_byte(file: Path, damaged: Path) -> None:
    content, rng = file.read_bytes(), random.Random(0)
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1 << rng.randrange(8)
        damaged.write_bytes(changed)
        found = damage(damaged)
        if position < len(content) - LENGTH:
            assert found is not None, position
        elif found is None:  # the note of the sum itself
            assert same(read_weight_file(damaged), CONTENTS), position


@given(st.data())
def test_any_change(file: Path, damaged: Path, data: st.DataObject) -> None:
    """Some bytes are replaced, or the end is missing; the reader says the same or refuses, and nothing else."""
    content = bytearray(file.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    new = data.draw(st.binary(min_size=1, max_size=600))
    content[position : position + len(new)] = new[: len(content) - position]
    damaged.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content), position]))])
    found = damage(damaged)
    if found is None:
        assert same(read_weight_file(damaged), CONTENTS)
    else:
        with pytest.raises(CheckpointError, match=damaged.name):
            read_weight_file(damaged)


def test_every_bit_of_the_numbers_in_files_of_others(tmp_path: Path) -> None:
    """Files without a sum over everything have one for each record."""
    path = tmp_path / 'others.pth'
    torch.save(CONTENTS, path)
    content = path.read_bytes()
    numbers = CONTENTS['state_dict']['weight'].numpy().tobytes()
    first = content.index(numbers)
    for bit in range(0, 8 * len(numbers), 7):
        changed = bytearray(content)
        changed[first + bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with pytest.raises(CheckpointError, match='damaged'):
            read_weight_file(path)


def test_a_sum_is_added_once(file: Path) -> None:
    with pytest.raises(ValueError, match='comment'):
        add_checksum(file)
