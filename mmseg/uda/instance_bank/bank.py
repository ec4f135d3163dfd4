"""The bank: a class-balanced set of labelled instance features of the source domain.

Source: docs/methods/dida.md#the-bank to #bank-update, #quirks.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmseg.errors import CheckpointError, ConfigError
from mmseg.uda.instance_bank.files import bank_paths, read_bank, write_bank
from mmseg.uda.instance_bank.instances import Instances
from mmseg.uda.instance_bank.options import BankOptions
from mmseg.uda.instance_bank.similarity import ABSENT, Rows

STATE = ('features', 'labels', 'filled', 'pointer')
"""Buffers that evolve. They are no part of the state dict, whose keys are the published ones."""


def quotas(rows: int, classes: Sequence[int], num_classes: int) -> list[int]:
    """Rows of each class: equal, one more for the first ``rows mod len(classes)`` of them.

    Args:
        rows: rows of the bank.
        classes: class ids that get any.
        num_classes: length of the result.
    """
    share, rest = divmod(rows, len(classes))
    found = [0] * num_classes
    for place, label in enumerate(sorted(classes)):
        found[label] = share + (place < rest)
    return found


class InstanceBank(nn.Module):
    """Features with labels, and where the next one goes.

    Args:
        labels: class id of every row.
        channels: D.
        num_classes: C.
        features: (K, D) of a bank that is full, None for an empty one.

    Attributes:
        classes: ids of the C' classes that have rows, ascending.
        features: float32 (K, D); zeros where not filled.
        labels: int64 (K,); fixed, so the balance of classes is.
        filled: bool (K,).
        pointer: int64 (C',), number of features each class with rows has received.
        known_full: the host knows that every row is filled; may be late, never wrong.
    """

    features: Tensor
    labels: Tensor
    filled: Tensor
    pointer: Tensor
    slots: Tensor
    quota: Tensor
    owners: Tensor

    def __init__(
        self, labels: Sequence[int], channels: int, num_classes: int, features: np.ndarray | None = None
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.known_full = features is not None
        # Tables come from numpy, so that a network can be built without memory (device 'meta').
        table = np.asarray(labels, np.int64)
        owners, quota = np.unique(table, return_counts=True)
        slots = np.zeros((len(owners), quota.max()), np.int64)
        for places, owner in zip(slots, owners, strict=True):
            found = np.flatnonzero(table == owner)
            places[: len(found)] = found
        self.classes: list[int] = owners.tolist()
        full = self.known_full
        buffers = {
            'features': np.zeros((len(table), channels), np.float32) if features is None else features,
            'labels': table, 'filled': np.full(len(table), full), 'pointer': quota * full,
            'owners': owners, 'quota': quota, 'slots': slots,
        }  # fmt: skip
        for name, value in buffers.items():
            self.register_buffer(name, torch.from_numpy(value), persistent=False)

    @classmethod
    def of_options(cls, options: BankOptions, channels: int, num_classes: int) -> 'InstanceBank':
        """The bank of a file, or an empty one.

        Raises:
            ConfigError: options and file, network or classes do not fit together.
            DataError: the files cannot be used.
        """
        if options.bank_file is None:
            classes = range(num_classes) if options.classes is None else options.classes
            _check_classes(classes, options.bank_size, num_classes)
            shares = quotas(options.bank_size, list(classes), num_classes)
            return cls([c for c, share in enumerate(shares) for _ in range(share)], channels, num_classes)
        features, labels = read_bank(options.bank_file, num_classes)
        expected = (options.bank_size, channels)
        if features.shape != expected:
            raise ConfigError(
                f'{bank_paths(options.bank_file)[0]}: {features.shape[0]} rows of {features.shape[1]} channels; '
                f'expected {expected[0]} rows (uda.instance_bank.bank_size) of {expected[1]} channels (what the '
                'decode head hands to its classifier). Change bank_size or bank_file, or build a bank for this '
                'network with tools/build_bank.py.'
            )
        return cls(labels.tolist(), channels, num_classes, features)

    def rows(self) -> Rows:
        """What a step compares pixels with."""
        bias = torch.zeros_like(self.features[:, 0]).masked_fill_(~self.filled, ABSENT)
        return Rows(self.features, self.labels, bias, self.num_classes)

    def fill_share(self) -> Tensor:
        """Share of filled rows in [0, 1], a scalar."""
        return self.filled.float().mean()

    def fill_of_classes(self) -> Tensor:
        """Share of filled rows of each class that has rows, (C',)."""
        return (self.pointer / self.quota).clamp(max=1)

    def check_full(self) -> None:
        """Ask the device whether all rows are filled; waits for it unless that is known already."""
        self.known_full = self.known_full or bool(self.filled.all())

    @torch.no_grad()
    def put(self, found: Instances, only_empty: bool) -> None:
        """Write each image's class means over the oldest rows of their classes, image by image.

        Args:
            found: of N images.
            only_empty: leave filled rows alone.
        """
        for means, present in zip(found.means(), found.present(), strict=True):
            write = present[self.owners]
            if only_empty:
                write = write & (self.pointer < self.quota)
            rows = self.slots.gather(1, (self.pointer % self.quota).unsqueeze(1)).squeeze(1)
            new = torch.where(write.unsqueeze(1), means[self.owners].to(self.features), self.features[rows])
            self.features.index_copy_(0, rows, new)
            self.filled.index_copy_(0, rows, self.filled[rows] | write)
            self.pointer += write

    @torch.no_grad()
    def average(self, found: Instances, momentum: float, absent: str, one_row: bool = False) -> None:
        """Exponential moving average: ``momentum * row + (1 - momentum) * mean of its class``.

        Args:
            found: all images are pooled.
            momentum: share of the old row.
            absent: 'keep' or 'decay', rows of classes without a pixel (their mean counts as 0).
            one_row: only one row of each class, in turn, instead of all.
        """
        pooled = found.pooled()
        mean, present = pooled.means()[0].to(self.features), pooled.present()[0]
        chosen = self.filled
        if absent == 'keep':
            chosen = chosen & present[self.labels]
        if one_row:
            turn = torch.zeros_like(self.filled)
            turn[self.slots.gather(1, (self.pointer % self.quota).unsqueeze(1)).squeeze(1)] = True
            chosen = chosen & turn
            self.pointer += present[self.owners]
        moved = self.features * momentum + mean[self.labels] * (1 - momentum)
        self.features.copy_(torch.where(chosen.unsqueeze(1), moved, self.features))

    def write(self, folder: str) -> None:
        """Export in the published format."""
        write_bank(folder, self.features.cpu().numpy(), self.labels.cpu().numpy())

    def state(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {'known_full': self.known_full, **{name: getattr(self, name).clone() for name in STATE}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state` returned.

        Raises:
            CheckpointError: it belongs to another bank.
        """
        shapes = {name: tuple(state[name].shape) for name in STATE}
        own = {name: tuple(getattr(self, name).shape) for name in STATE}
        if shapes != own or not torch.equal(state['labels'].cpu(), self.labels.cpu()):
            raise CheckpointError(
                f'The checkpoint holds an instance bank of {shapes["features"]} (rows, channels), the configuration '
                f'makes one of {own["features"]}, or its rows have other classes. Resume with the bank_size, '
                'bank_file and classes of uda.instance_bank that the run was started with.'
            )
        for name in STATE:
            getattr(self, name).copy_(state[name])
        self.known_full = bool(state['known_full'])


def _check_classes(classes: Sequence[int], rows: int, num_classes: int) -> None:
    wrong = [c for c in classes if isinstance(c, bool) or not isinstance(c, int) or not 0 <= c < num_classes]
    if wrong or len(set(classes)) != len(classes) or not classes:
        raise ConfigError(
            f'uda.instance_bank.classes is {list(classes)}; expected different class ids from 0 to {num_classes - 1}.'
        )
    if rows < len(classes):
        raise ConfigError(
            f'uda.instance_bank.bank_size is {rows} for {len(classes)} classes; expected at least one row a class.'
        )
