"""Batches on their way to the device."""

from contextlib import contextmanager
from typing import Any

import pytest
import torch

from mmseg import batch as module
from mmseg.batch import Batch, on_device
from tests.gpu import needs_gpu


def batch() -> Batch:
    label = torch.tensor([[[[0, 255], [7, 1]]]], dtype=torch.uint8)
    valid = torch.ones(1, 1, 2, 2, dtype=torch.uint8)
    return {
        'img': torch.rand(1, 3, 2, 2),
        'gt_semantic_seg': label,
        'img_metas': [{}],
        'valid_pseudo_mask': valid,
    }


def test_labels_become_whole_numbers_and_nothing_else_changes() -> None:
    given = batch()
    moved = on_device(given, torch.device('cpu'))
    assert moved['gt_semantic_seg'].dtype == torch.int64
    assert moved['gt_semantic_seg'].flatten().tolist() == [0, 255, 7, 1]
    assert moved['valid_pseudo_mask'].dtype == torch.uint8
    assert torch.equal(moved['img'], given['img'])
    assert moved['img_metas'] is given['img_metas']
    assert given['gt_semantic_seg'].dtype == torch.uint8


def test_channels_last() -> None:
    moved = on_device(batch(), torch.device('cpu'), channels_last=True)
    assert moved['img'].is_contiguous(memory_format=torch.channels_last)


class Stream:
    """Stands for a stream of a GPU and notes what happens."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name, self.notes = name, notes

    def wait_stream(self, other: 'Stream') -> None:
        self.notes.append(f'{self.name} waits for {other.name}')


class Tensor:
    """Stands for a tensor of a GPU."""

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes

    def record_stream(self, stream: Stream) -> None:
        self.notes.append(f'kept for {stream.name}')


def test_copies_are_queued_beside_the_step_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of calls, with stand-ins: no GPU is needed."""
    notes: list[str] = []

    @contextmanager
    def used(stream: Stream) -> Any:
        notes.append(f'in {stream.name}')
        yield
        notes.append(f'out of {stream.name}')

    monkeypatch.setattr(module, '_copies', lambda device: Stream('copies', notes))
    monkeypatch.setattr(torch.cuda, 'current_stream', lambda device: Stream('steps', notes))
    monkeypatch.setattr(torch.cuda, 'stream', used)
    with module._beside(torch.device('cuda')) as tensors:
        notes.append('copied')
        tensors.append(Tensor(notes))
    assert notes == ['in copies', 'copied', 'out of copies', 'steps waits for copies', 'kept for steps']
    with module._beside(torch.device('cpu')):
        notes.clear()
    assert notes == []


@needs_gpu
def test_batches_arrive_while_a_step_runs() -> None:
    """A copy from pinned memory is done although the device still works on what was queued before."""
    device = torch.device('cuda')
    given = {
        key: value.pin_memory() if isinstance(value, torch.Tensor) else value
        for key, value in batch().items()
    }
    torch.cuda._sleep(10**9)
    began = torch.cuda.Event()
    began.record()
    on_device(given, device)  # type: ignore[arg-type]
    module._copies(device).synchronize()
    assert not began.query(), 'the work before the copy was over first'
    moved = on_device(given, device)  # type: ignore[arg-type]
    for key in ('img', 'valid_pseudo_mask', 'gt_semantic_seg'):
        assert torch.equal(moved[key].cpu(), given[key].to(moved[key].dtype))  # type: ignore[literal-required]
