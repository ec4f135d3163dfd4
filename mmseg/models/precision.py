"""Numeric precision of the forward passes: parameters stay float32, matrix products may be 16 bit."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from mmseg.errors import ConfigError

PRECISIONS: dict[str, torch.dtype] = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}


def check_precision(precision: str) -> str:
    """Return ``precision`` if it is a known name, else raise :class:`ConfigError` with the valid ones."""
    if precision not in PRECISIONS:
        raise ConfigError(f"precision is '{precision}'; expected one of {', '.join(PRECISIONS)}.")
    return precision


def device_type(where: nn.Module | Tensor | torch.device | str) -> str:
    """'cpu', 'cuda', ... of a tensor, a device or the first parameter of a module."""
    if isinstance(where, Tensor):
        return where.device.type
    if isinstance(where, nn.Module):
        parameter = next(where.parameters(), None)
        return 'cpu' if parameter is None else parameter.device.type
    return torch.device(where).type


def autocast(
    where: nn.Module | Tensor | torch.device | str, precision: str
) -> AbstractContextManager[object]:
    """Context in which matrix products and convolutions run in ``precision`` ('fp32', 'bf16' or 'fp16').

    'fp32' switches an enclosing autocast off, so that results do not depend on the caller.
    """
    dtype = PRECISIONS[check_precision(precision)]
    kind = device_type(where)
    if kind == 'meta':
        kind = 'cpu'  # shapes only: nothing is computed, and torch.autocast refuses the name
    if dtype == torch.float32:
        return torch.autocast(kind, enabled=False)
    return torch.autocast(kind, dtype=dtype)
