"""Exchanges between processes, with the second process played by the test (two real ones: tests/integration)."""

import pytest
import torch
from torch import nn

from mmseg import ranks
from mmseg.engine import distributed
from mmseg.errors import DataError, UsageError


def test_alone() -> None:
    tensor = torch.ones(2)
    assert (ranks.rank(), ranks.world_size(), ranks.is_main()) == (0, 1, True)
    assert distributed.total(tensor) is tensor
    assert distributed.any_rank(True, torch.device('cpu'))
    distributed.share_initial_state(nn.Linear(1, 1))
    distributed.barrier()
    distributed.close_distributed()


def test_launcher_outside_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('RANK', raising=False)
    distributed.init_distributed('none')
    with pytest.raises(UsageError, match='torchrun'):
        distributed.init_distributed('pytorch')


def test_more_processes_than_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        'RANK': '1',
        'WORLD_SIZE': '2',
        'LOCAL_RANK': '1',
        'MASTER_ADDR': 'x',
        'MASTER_PORT': '1',
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    with pytest.raises(
        UsageError, match='Process 1 of this machine has no GPU: there are 1.*--nproc-per-node'
    ):
        distributed.init_distributed('pytorch')


def test_a_task_of_the_first_process_may_fail() -> None:
    done: list[int] = []
    distributed.in_first(lambda: done.append(1), torch.device('cpu'))
    assert done == [1]

    def fail() -> None:
        raise DataError('no data')

    with pytest.raises(DataError, match='no data'):
        distributed.in_first(fail, torch.device('cpu'))
