"""Where runs are trained, parsed and written again."""

import argparse

import pytest

from mmseg.machines import add_places, place_words


@pytest.mark.parametrize(
    'words',
    [
        ['--gpus=1'],
        ['--gpus=0', '--jobs=2'],
        [
            '--gpus=2',
            '--machine=slurm',
            '--partition=gpu',
            '--time=90',
            '--cpus=4',
            '--sbatch',
            'mem=64G',
            'a=b',
        ],
    ],
)
def test_words_say_the_same_again(words: list[str]) -> None:
    parser = argparse.ArgumentParser()
    add_places(parser)
    assert place_words(parser.parse_args(words)) == words


def test_times_are_minutes_when_they_are_written_again() -> None:
    parser = argparse.ArgumentParser()
    add_places(parser)
    assert '--time=720' in place_words(parser.parse_args(['--time', '12:00:00']))
