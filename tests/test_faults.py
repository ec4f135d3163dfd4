"""Shortages of the machine in words; defects keep their traceback."""

import errno

import pytest
import torch

from mmseg.errors import DataError, ResourceError
from mmseg.faults import described, own_words

WRAPPED = (
    'Caught {0} in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n'
    '  File "a.py", line 1, in f\n    raise ValueError\n{0}: {1}\n'
)


@pytest.mark.parametrize(
    ('error', 'advice'),
    [
        (torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB.'), '--amp'),
        (RuntimeError('CUDA error: out of memory\nCompile with ...'), 'samples_per_gpu'),
        (RuntimeError('cuDNN error: CUDNN_STATUS_ALLOC_FAILED'), '--amp'),
        (MemoryError(), 'workers_per_gpu'),
        (OSError(errno.ENOMEM, 'Cannot allocate memory'), 'workers_per_gpu'),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 'crop_size'),
        (RuntimeError('unable to allocate shared memory(shm) for file </torch_1>: again (11)'), '--shm-size'),
        (RuntimeError(WRAPPED.format('RuntimeError', 'unable to write to file </torch_1>')), '--shm-size'),
    ],
)
def test_shortages(error: Exception, advice: str) -> None:
    known = described(error)
    assert isinstance(known, ResourceError)
    assert advice in str(known)
    assert '\n' not in str(known)


@pytest.mark.parametrize('defect', [RuntimeError('shapes differ'), KeyError('x'), OSError(errno.EINVAL, 'x')])
def test_defects(defect: Exception) -> None:
    assert described(defect) is None


def test_message_of_a_loader_process() -> None:
    error = DataError(WRAPPED.format('mmseg.errors.DataError', 'x.png: damaged file.'))
    assert described(error) is error
    assert str(error) == 'x.png: damaged file.'
    assert own_words('x.png: Error: damaged.') == 'x.png: Error: damaged.'
