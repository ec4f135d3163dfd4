"""For looking for faults: do all processes hold the same bits? (``compare_ranks``, docs/scaling.md)."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg.engine.hooks import due
from mmseg.engine.loop import Hook, Run
from mmseg.engine.sharding import is_sharded
from mmseg.engine.state import collect
from mmseg.errors import TrainingError
from mmseg.models.global_batch import has_own_statistics, of_all
from mmseg.ranks import world_size

SHOWN = 5
"""Names in the message."""


class AgreementHook(Hook):
    """Compares the state of all processes by check sums and stops at the first difference.

    Compared is what a checkpoint holds: weights, buffers, teacher, bank, moments of the optimiser. The running
    statistics of batch norms that have their own in each process (``batch_norm='local'``) are left out.

    Args:
        interval: iterations between comparisons; 0: never.
    """

    def __init__(self, interval: int) -> None:
        self.interval = interval

    def after_iteration(self, run: Run) -> None:
        """Raise what differs, in every process.

        Raises:
            TrainingError: something does.
        """
        if world_size() == 1 or not due(run, self.interval):
            return
        sums = check_sums(run)
        everyone = of_all(torch.tensor([list(sums.values())], device=run.device)).cpu()
        different = (everyone != everyone[0]).nonzero()
        if not len(different):
            return
        names = list(dict.fromkeys(list(sums)[column] for column in different[:, 1].tolist()))
        ranks = ', '.join(map(str, sorted(set(different[:, 0].tolist()))))
        raise TrainingError(
            f'After iteration {run.iteration} process {ranks} differs from process 0 in {len(names)} of {len(sums)} '
            f'entries: {", ".join(names[:SHOWN])}{", ..." if len(names) > SHOWN else ""}. All processes must hold the '
            'same bits. Usual cause: a part or hook of your own that draws random numbers by process, or updates a '
            'buffer from the images of one process only; mmseg.models.global_batch has what is of all processes '
            '(docs/scaling.md). compare_ranks=1 finds the first step; nothing of it was saved.'
        )


def check_sums(run: Run) -> dict[str, int]:
    """A number for each tensor and value of a run's state, by name."""
    contents = collect(run)
    own = set(_own_statistics(run.trainable.stored()))
    state = {key: value for key, value in contents['state_dict'].items() if key not in own}
    method = contents['training_state']['method']
    optimizer = {} if is_sharded(run.optimizer.optimizer) else contents['optimizer']
    parts = {'': state, 'optimizer.': optimizer, 'training_state.': method}
    return {name: _check_sum(value) for start, part in parts.items() for name, value in _entries(part, start)}


def _own_statistics(module: nn.Module) -> Iterator[str]:
    for name, child in module.named_modules():
        if isinstance(child, _BatchNorm) and has_own_statistics(child):
            yield from (f'{name}.{key}' for key, _ in child.named_buffers(recurse=False))


def _entries(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _entries(
                entry, f'{place}{key}' if place.endswith('.') or not place else f'{place}.{key}'
            )
    elif isinstance(value, list | tuple):
        for number, entry in enumerate(value):
            yield from _entries(entry, f'{place}.{number}')
    else:
        yield place, value


def _check_sum(value: Any) -> int:
    bits = value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes() if isinstance(
        value, Tensor
    ) else repr(value).encode()  # fmt: skip
    return int.from_bytes(hashlib.blake2b(bits, digest_size=8).digest(), 'little', signed=True)
