"""Draws are pure functions of (seed, position)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg.datasets.random import rng_for, shuffled_index


def test_samples_have_their_own_sequences() -> None:
    first, second, other_seed = rng_for(0, 0).random(), rng_for(0, 1).random(), rng_for(1, 0).random()
    assert len({first, second, other_seed}) == 3
    assert rng_for(0, 0).random() == first


@given(n=st.integers(1, 30), seed=st.integers(0, 1000), epoch=st.integers(0, 5))
def test_every_block_is_a_permutation(n: int, seed: int, epoch: int) -> None:
    block = [shuffled_index(epoch * n + i, n, seed) for i in range(n)]
    assert sorted(block) == list(range(n))


def test_epochs_seeds_and_streams_differ() -> None:
    def order(seed: int, stream: int, epoch: int) -> tuple[int, ...]:
        return tuple(shuffled_index(epoch * 50 + i, 50, seed, stream) for i in range(50))

    assert len({order(0, 0, 0), order(1, 0, 0), order(0, 1, 0), order(0, 0, 1)}) == 4


def test_cached_order_cannot_be_changed() -> None:
    from mmseg.datasets.random import _permutation

    with pytest.raises(ValueError, match='read-only'):
        _permutation(5, 0, 0, 0)[0] = np.int64(3)
