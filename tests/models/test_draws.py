"""Streams are pure functions of (seed, rank, iteration, name)."""

from mmseg.models.draws import Streams, process_rank


def _first(*key, name='detail'):
    return Streams(*key).stream(name).random()


def test_same_key_same_numbers():
    assert _first(1, 0, 5) == _first(1, 0, 5)


def test_every_part_of_the_key_matters():
    values = {_first(1, 0, 5), _first(2, 0, 5), _first(1, 1, 5), _first(1, 0, 6), _first(1, 0, 5, name='mix')}
    assert len(values) == 5


def test_asking_again_continues_a_stream():
    streams = Streams(0)
    assert streams.stream('a').random() != streams.stream('a').random()


def test_rank_of_a_single_process():
    assert process_rank() == 0
