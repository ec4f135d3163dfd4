"""Autocast by name."""

import pytest
import torch
from torch import nn

from mmseg.errors import ConfigError
from mmseg.models.precision import autocast, check_precision, device_type


def test_fp32_switches_an_enclosing_autocast_off() -> None:
    x = torch.randn(2, 2)
    with autocast(x, 'bf16'):
        assert (x @ x).dtype == torch.bfloat16
        with autocast(x, 'fp32'):
            assert (x @ x).dtype == torch.float32


def test_unknown_precision_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"'half'.*fp32, bf16, fp16"):
        check_precision('half')


def test_device_type() -> None:
    assert {device_type(w) for w in (torch.zeros(1), nn.Linear(1, 1), nn.ReLU(), 'cpu')} == {'cpu'}
