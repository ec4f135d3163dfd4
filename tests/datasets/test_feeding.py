"""Batches of loader processes that die, hang or are given up."""

import os
import signal
import time
from contextlib import closing
from multiprocessing import active_children

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmseg.datasets.feeding import Feed, GivenUp, Loader, shared, worker_options
from mmseg.errors import ResourceError
from mmseg.processes import SIGNALS


class Slow(Dataset[Tensor]):
    """Number i, a while later from item 3 on."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __len__(self) -> int:
        return 8

    def __getitem__(self, i: int) -> Tensor:
        if i >= 3:
            time.sleep(self.seconds)
        return torch.tensor([i])


def loader(seconds: float = 0.0, workers: int = 1) -> DataLoader[Tensor]:
    return DataLoader(Slow(seconds), batch_size=None, collate_fn=shared, **worker_options(workers))


def never() -> bool:
    return False


@pytest.mark.parametrize('workers', [0, 2])
def test_all_batches_in_order_and_no_process_left(workers: int) -> None:
    handler, before = signal.getsignal(signal.SIGCHLD), set(active_children())
    batches = Loader(loader(workers=workers))
    assert len(batches) == 8
    for _ in range(2):
        assert [int(batch) for batch in batches] == list(range(8))
    assert signal.getsignal(signal.SIGCHLD) is handler
    assert set(active_children()) == before


def test_slower_than_a_look_is_waited_for() -> None:
    with closing(Feed(loader(1.5), 5.0, never)) as feed:
        assert [int(next(feed)) for _ in range(4)] == [0, 1, 2, 3]


def test_hanging_process() -> None:
    before = set(active_children())
    feed = Feed(loader(60.0), 2.0, never)
    with closing(feed), pytest.raises(ResourceError, match=r'for 2 seconds.*data\.timeout'):
        list(feed)
    assert set(active_children()) == before


def test_given_up_while_waiting() -> None:
    with closing(Feed(loader(60.0), 0.0, lambda: True)) as feed, pytest.raises(GivenUp):
        list(feed)


def test_killed_process_is_found_out_while_waiting_not_before() -> None:
    before = set(active_children())
    with closing(Feed(loader(60.0), 30.0, never)) as feed:
        next(feed)
        worker = next(child for child in active_children() if child not in before)
        for number in SIGNALS:
            os.kill(worker.pid or 0, number)
        time.sleep(0.1)
        assert worker.is_alive()
        worker.kill()
        time.sleep(0.2)  # the news must not interrupt what runs here
        with pytest.raises(ResourceError, match=r'has died \(signal 9\).*workers_per_gpu'):
            list(feed)
