"""The documented recipe of inputs and weights (tests/parity/cases/README.md#the-recipe)."""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

IGNORE = 255


def generator(seed: int) -> np.random.Generator:
    """The generator every draw of the recipe starts from."""
    return np.random.Generator(np.random.PCG64(seed))


def normal(seed: int, shape: Sequence[int]) -> Tensor:
    """Standard normal numbers, float32."""
    return torch.from_numpy(generator(seed).standard_normal(tuple(shape), dtype=np.float32))


def uniform(seed: int, shape: Sequence[int]) -> Tensor:
    """Uniform numbers in [0, 1), float32."""
    return torch.from_numpy(generator(seed).random(tuple(shape), dtype=np.float32))


def labels(
    seed: int, batch: int, height: int, width: int, block: int, classes: int = 19, ignore: float = 0.0
) -> Tensor:
    """Blocky label maps, int64 (batch, height, width); 255 where the second draw is below ``ignore``."""
    source = generator(seed)
    shape = (batch, -(-height // block), -(-width // block))
    cells = source.integers(0, classes, shape)
    cells[source.random(shape) < ignore] = IGNORE
    full = cells.repeat(block, axis=1).repeat(block, axis=2)[:, :height, :width]
    return torch.from_numpy(np.ascontiguousarray(full).astype(np.int64))


def fill(key: str, shape: Sequence[int], salt: str = '') -> Tensor:
    """The tensor that belongs to a state-dict key."""
    shape = tuple(shape)
    seed = zlib.crc32((salt + key).encode('utf-8'))
    if not shape:
        x = torch.tensor(generator(seed).standard_normal(1, dtype=np.float32)[0])
    else:
        x = normal(seed, shape)
    if key.endswith('num_batches_tracked'):
        return torch.zeros(shape, dtype=torch.int64)
    if len(shape) >= 2:
        return x * torch.tensor(np.float32(np.sqrt(2.0 / np.prod(shape[1:]))))
    if key.endswith('running_mean'):
        return 0.1 * x
    if key.endswith('running_var'):
        return 1 + 0.1 * x.abs()
    if not shape:
        return 0.5 + 0.1 * x
    if key.endswith('.bn3.weight'):
        return 0.2 + 0.02 * x
    if key.endswith('weight'):
        return 1 + 0.1 * x
    if key.endswith('bias'):
        return 0.1 * x
    raise ValueError(f'the recipe has no rule for {key} of shape {shape}')


@torch.no_grad()
def fill_module(module: nn.Module, salt: str = '', prefix: str = '') -> nn.Module:
    """Fill every tensor of the module's state dict in place by ``prefix`` + key; returns the module."""
    for key, value in module.state_dict().items():
        value.copy_(fill(prefix + key, value.shape, salt))
    return module


def read_salt(root: Path) -> str:
    """The salt of a set of cases: entry ``salt`` of its recipe.json, empty where there is none."""
    file = root / 'recipe.json'
    return json.loads(file.read_text()).get('salt', '') if file.exists() else ''
