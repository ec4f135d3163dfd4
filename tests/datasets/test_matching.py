"""Paths in statistics find their files although both may begin with other folders."""

from mmseg.datasets.matching import match_paths


def test_paths_are_matched_by_their_longest_end() -> None:
    known = ['/here/labels/s1/0.png', '/here/labels/s2/0.png', '/here/labels/only.png']
    there = ['D:\\data\\labels\\s1\\0.png', 'labels/./s2/0.png', 'moved/only.png', 'labels/s1/7.png']
    assert match_paths(there, known) == {there[0]: 0, there[1]: 1, there[2]: 2}
    assert match_paths(['0.png'], known) == {}, 'it could be either'


def test_names_of_pictures_that_are_not_there_find_none() -> None:
    assert match_paths(['l/s1/0.png', 'l/s2/0.png'], ['x/s1/0.png']) == {'l/s1/0.png': 0}
    assert match_paths(['l/s2/0.png', 'l/s3/0.png'], ['x/s1/0.png']) == {}


def test_many_files_of_one_name() -> None:
    """Sequences that all count from 0001: the folders decide, nobody compares each with each."""
    known = [f'/data/gta/labels/seq{n:03}/0001.png' for n in range(300)]
    names = [f'labels/seq{n:03}/0001.png' for n in range(299, -1, -1)]
    assert match_paths([*names, '0001.png', 'other/0001.png'], known) == {
        name: 299 - n for n, name in enumerate(names)
    }
