"""The marks of tests that need CUDA devices."""

from collections.abc import Callable
from typing import TypeVar

import pytest
import torch

Test = TypeVar('Test', bound=Callable[..., object])


def gpu_marks(devices: int = 1) -> list[pytest.MarkDecorator]:
    """Of a test on so many devices; NCCL takes one process each. Only `make test-gpu` shows them to tests."""
    reason = f'needs {devices} CUDA device{"s" * (devices > 1)} and make test-gpu'
    return [pytest.mark.gpu, pytest.mark.skipif(torch.cuda.device_count() < devices, reason=reason)]


def needs_gpu(test: Test) -> Test:
    """Put the marks on a test."""
    for mark in gpu_marks():
        test = mark(test)
    return test
