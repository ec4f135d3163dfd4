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
    parameter = nn.Parameter(torch.zeros(2))
    parameter.grad = torch.ones(2)
    distributed.average_gradients([parameter])
    assert parameter.grad.tolist() == [1, 1]
    distributed.share_initial_state(nn.Linear(1, 1))
    distributed.barrier()
    distributed.close_distributed()


@pytest.mark.parametrize('bucket', [1, 5, 1000])
def test_gradients_become_means(bucket: int, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = [nn.Parameter(torch.zeros(shape)) for shape in ((2, 3), (1,), (4,))]
    for number, parameter in enumerate(parameters[:2]):
        parameter.grad = torch.full_like(parameter, number + 1.0)
    monkeypatch.setattr(distributed, 'world_size', lambda: 2)
    monkeypatch.setattr(distributed, 'BUCKET_ELEMENTS', bucket)
    monkeypatch.setattr(distributed.distributed, 'all_reduce', lambda tensor: tensor.add_(3.0))
    distributed.average_gradients(parameters)
    assert parameters[0].grad.unique().tolist() == [2.0]
    assert parameters[1].grad.tolist() == [2.5]
    assert parameters[2].grad is None


def test_launcher_outside_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('RANK', raising=False)
    distributed.init_distributed('none')
    with pytest.raises(UsageError, match='torchrun'):
        distributed.init_distributed('pytorch')


def test_a_task_of_the_first_process_may_fail() -> None:
    done: list[int] = []
    distributed.in_first(lambda: done.append(1), torch.device('cpu'))
    assert done == [1]

    def fail() -> None:
        raise DataError('no data')

    with pytest.raises(DataError, match='no data'):
        distributed.in_first(fail, torch.device('cpu'))
