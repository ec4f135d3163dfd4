"""Streams are pure functions of (seed, iteration, name)."""

from mmseg.streams import Streams


def _first(*key, name='detail'):
    return Streams(*key).stream(name).random()


def test_same_key_same_numbers():
    assert _first(1, 5) == _first(1, 5)


def test_every_part_of_the_key_matters():
    values = {_first(1, 5), _first(2, 5), _first(1, 6), _first(1, 5, name='mix')}
    assert len(values) == 4


def test_asking_again_continues_a_stream():
    streams = Streams(0)
    assert streams.stream('a').random() != streams.stream('a').random()
