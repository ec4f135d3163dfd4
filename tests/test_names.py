"""Many names in two objects, and pictures made of them when they are asked for."""

import multiprocessing
import pickle
import tracemalloc
from pathlib import Path

import pytest

from mmseg.names import Chained, Names, Pictures

SOME = ['a', '', 'ä/b.png', 'not \udcff text', 'a']


def test_names_are_a_sequence() -> None:
    names = Names(iter(SOME))
    assert names == SOME
    assert list(names) == [names[i] for i in range(5)]
    assert (names[-1], names[1:3], len(names), 'ä/b.png' in names) == ('a', ['', 'ä/b.png'], 5, True)
    assert pickle.loads(pickle.dumps(names)) == names  # noqa: S301  # our own
    assert names != Names(SOME[1:])
    with pytest.raises(IndexError):
        names[5]


def test_sorted_names_are_found() -> None:
    names = Names(sorted(SOME[:4]))
    assert [names[names.find(name)] for name in SOME[:4]] == SOME[:4]
    assert (names.find('b'), names.find('zz'), Names().find('a')) == (-1, -1, -1)


def test_more_names_than_a_block() -> None:
    names = Names(str(n) for n in range(10_000))
    assert list(names) == [str(n) for n in range(10_000)]


def test_pictures_of_names() -> None:
    pictures = Pictures(Names(['a.jpg', 'b.jpg']), Names(['a.png', 'b.png']))
    assert pictures == [
        {'filename': 'a.jpg', 'ann': {'seg_map': 'a.png'}},
        {'filename': 'b.jpg', 'ann': {'seg_map': 'b.png'}},
    ]
    assert Pictures(['a.jpg'])[-1] == {'filename': 'a.jpg', 'ann': {}}
    assert [one['filename'] for one in pictures * 2] == ['a.jpg', 'b.jpg'] * 2
    assert pictures[1:] == [pictures[1]]


def test_pictures_behind_one_another() -> None:
    chained = Chained([('.', Pictures(['a'])), ('x/y', Pictures(['b', 'c'])), ('z', Pictures(['d']))])
    assert [one['filename'] for one in chained] == ['a', 'x/y/b', 'x/y/c', 'z/d']
    assert (len(chained), chained[-1]['filename'], chained[3:]) == (
        4,
        'z/d',
        [{'filename': 'z/d', 'ann': {}}],
    )


def many(count: int) -> Pictures:
    names = (f'leftImg8bit/train/city_{n % 50:02}/city_{n:06}_000019' for n in range(count))
    return Pictures(Names(f'{name}.png' for name in names))


def test_a_name_costs_its_bytes_and_eight() -> None:
    tracemalloc.start()
    pictures = many(200_000)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 200_000 * 60
    assert len(pickle.dumps(pictures)) < 200_000 * 60


def written_pages(pictures: Pictures, answer: 'multiprocessing.SimpleQueue[int]') -> None:
    """Look at every picture and tell how many bytes of pages became this process's own meanwhile."""
    before = own_memory()
    for info in pictures:
        assert info['filename']
    answer.put(own_memory() - before)


def own_memory() -> int:
    lines = Path('/proc/self/smaps_rollup').read_text().splitlines()[1:]
    sizes = {line.split(':')[0]: line.split()[1] for line in lines}
    return 1024 * (int(sizes['Private_Dirty']) + int(sizes['Private_Clean']))


def test_forked_processes_share_the_names() -> None:
    """With a list of dicts each look writes a count of references, and the pages of all 200,000 are copied."""
    if 'fork' not in multiprocessing.get_all_start_methods() or not own_pages_are_known():
        pytest.skip('needs fork and /proc/self/smaps_rollup')
    context = multiprocessing.get_context('fork')
    answer = context.SimpleQueue()
    pictures = many(200_000)
    processes = [context.Process(target=written_pages, args=(pictures, answer)) for _ in range(2)]
    for process in processes:
        process.start()
    grown = [answer.get() for _ in processes]
    for process in processes:
        process.join()
    assert max(grown) < 8 * 2**20, 'the names alone have 9 MB, as a list of dicts 100 MB'


def own_pages_are_known() -> bool:
    try:
        return own_memory() > 0
    except (OSError, KeyError):
        return False
