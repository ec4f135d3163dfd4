"""The instance bank of a run, for its page: what its last checkpoint holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmseg.engine.checkpoint import find_latest, read_checkpoint
from mmseg.toolbox.bank.statistics import bank_statistics, projection
from mmseg.toolbox.reports.run_folders import RunFolder
from mmseg.uda.instance_bank.files import Features, Labels

BANK = 'instances'
"""Under this name the part keeps its state (:mod:`mmseg.uda.instance_bank.part`)."""


@dataclass(frozen=True)
class BankView:
    """Statistics of a bank as a page shows them.

    Attributes:
        facts: (name, value) of the whole bank.
        classes: (name, rows, mean norm) of each class that has any.
        points: (x, y, class id) of each row, the two principal components, each in 0..100.
    """

    facts: list[tuple[str, str]]
    classes: list[tuple[str, int, float]]
    points: list[tuple[float, float, int]]


def find_bank(run: RunFolder) -> tuple[Features, Labels] | None:
    """The filled rows of the bank in the newest checkpoint of a run, float32 (K, D) and int64 (K,).

    None if its method has no bank, or no row of it is filled yet.

    Raises:
        CheckpointError: there is no checkpoint, or it is damaged.
    """
    if 'instance_bank' not in str(run.meta.get('config', '')):
        return None  # reading a checkpoint may take a gigabyte
    state = read_checkpoint(find_latest(run.folder)).get('training_state', {}).get('method', {}).get(BANK)
    if not state:
        return None
    filled = state['filled'].numpy().astype(bool)
    features, labels = state['features'].float().numpy()[filled], state['labels'].numpy()[filled]
    return (features, labels) if len(features) else None


def bank_view(features: Features, labels: Labels, names: Sequence[str]) -> BankView:
    """Statistics of float32 (K, D) features with int64 (K,) labels; ``names`` of the classes, by id."""
    found = bank_statistics(features, labels)
    norms = np.linalg.norm(features, axis=1)
    facts = [
        ('rows', str(found.rows)),
        ('channels', str(found.channels)),
        ('dead channels', str(found.dead)),
        ('duplicate rows', str(found.duplicates)),
        ('zeros', f'{100 * found.zeros:.1f} %'),
        ('mean norm', f'{found.norm[1]:.2f} (from {found.norm[0]:.2f} to {found.norm[2]:.2f})'),
        ('mean cosine within a class', f'{found.cosine_same:.3f}'),
        ('mean cosine between classes', f'{found.cosine_different:.3f}'),
        ('nearest class mean is right', f'{100 * found.centroid_accuracy:.1f} %'),
    ]
    classes = [
        (_name(label, names), count, float(norms[labels == label].mean()))
        for label, count in enumerate(found.counts)
        if count
    ]
    return BankView(facts, classes, _points(features, labels))


def _points(features: Features, labels: Labels) -> list[tuple[float, float, int]]:
    if min(features.shape) < 2:
        return []
    places = projection(features)
    span = np.maximum(np.ptp(places, axis=0), 1e-12)
    scaled = 100 * (places - places.min(axis=0)) / span
    return [(float(x), float(y), int(label)) for (x, y), label in zip(scaled, labels, strict=True)]


def _name(label: int, names: Sequence[str]) -> str:
    return names[label] if label < len(names) else str(label)
