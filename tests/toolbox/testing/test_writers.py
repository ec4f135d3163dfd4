"""Results are written in threads: all of them before the block ends, with a bounded number waiting."""

import threading
from typing import Any, ClassVar

import pytest

from mmseg.toolbox.testing import writers as module
from mmseg.toolbox.testing.outputs import Output
from mmseg.toolbox.testing.writers import Writers


class Kept(Output):
    """Remembers what it gets, and in which threads."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.got: list[int] = []
        self.threads: set[int] = set()
        self.fails_at = fails_at
        self.open = threading.Event()
        self.open.set()

    def add(self, prediction: Any) -> None:
        self.open.wait(30)
        if prediction == self.fails_at:
            raise OSError(f'no room for {prediction}')
        self.got.append(prediction)
        self.threads.add(threading.get_ident())


class AtOnce(Kept):
    """Must not leave the thread of the network."""

    threaded: ClassVar[bool] = False


def test_everything_is_written_when_the_block_ends() -> None:
    threaded, at_once = Kept(), AtOnce()
    with Writers([threaded, at_once]) as writers:
        for number in range(20):
            writers.add(number)
    assert sorted(threaded.got) == list(range(20))
    assert at_once.got == list(range(20))
    assert at_once.threads == {threading.get_ident()}
    assert threading.get_ident() not in threaded.threads


def test_few_predictions_wait() -> None:
    output = Kept()
    output.open.clear()
    given: list[int] = []

    def give() -> None:
        with Writers([output]) as writers:
            for number in range(20):
                given.append(number)
                writers.add(number)

    giver = threading.Thread(target=give)
    giver.start()
    giver.join(0.5)
    assert len(given) <= 2 * module.THREADS + 1
    output.open.set()
    giver.join()
    assert sorted(output.got) == list(range(20))


@pytest.mark.parametrize('fails_at', [0, 19])
def test_what_fails_in_a_thread_ends_the_run(fails_at: int) -> None:
    def write() -> None:
        with Writers([Kept(fails_at)]) as writers:
            for number in range(20):
                writers.add(number)

    with pytest.raises(OSError, match=f'no room for {fails_at}'):
        write()


def test_an_error_of_the_network_is_not_hidden_and_waiting_work_ends() -> None:
    output = Kept(fails_at=1)

    def predicted() -> None:
        with Writers([output]) as writers:
            writers.add(0)
            writers.add(1)
            raise ValueError('network')

    with pytest.raises(ValueError, match='network'):
        predicted()
