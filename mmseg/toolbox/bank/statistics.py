"""What a bank looks like (docs/methods/dida.md#published-banks)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmseg.uda.instance_bank.files import Features, Labels

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class BankStatistics:
    """Numbers about a bank.

    Attributes:
        rows, channels: K and D.
        counts: rows of each class id from 0 on.
        norm: smallest, mean, largest norm of a row and standard deviation.
        largest: largest value.
        zeros: share of values that are exactly 0.
        dead: channels that are 0 in all rows.
        duplicates: rows that occur before.
        cosine_same, cosine_different: mean cosine of two rows of one class and of two classes.
        centroid_accuracy: share of rows whose class mean (by cosine) is the nearest one.
        short: classes with fewer than rows / classes present - 1 rows, of those that are present.
    """

    rows: int
    channels: int
    counts: list[int]
    norm: tuple[float, float, float, float]
    largest: float
    zeros: float
    dead: int
    duplicates: int
    cosine_same: float
    cosine_different: float
    centroid_accuracy: float
    short: list[int]


def bank_statistics(features: Features, labels: Labels) -> BankStatistics:
    """Statistics of float32 (K, D) features with int64 (K,) labels."""
    norms = np.linalg.norm(features, axis=1)
    counts = np.bincount(labels)
    present = np.flatnonzero(counts)
    cosine = cosine_matrix(features)
    same = labels[:, None] == labels
    others = ~np.eye(len(labels), dtype=bool)
    centroids = np.stack([features[labels == c].mean(axis=0) for c in present])
    nearest = present[np.argmax(_unit(features) @ _unit(centroids).T, axis=1)]
    return BankStatistics(
        rows=len(features),
        channels=features.shape[1],
        counts=counts.tolist(),
        norm=(float(norms.min()), float(norms.mean()), float(norms.max()), float(norms.std())),
        largest=float(features.max()),
        zeros=float((features == 0).mean()),
        dead=int((features == 0).all(axis=0).sum()),
        duplicates=len(features) - len(np.unique(features, axis=0)),
        cosine_same=_mean(cosine[same & others]),
        cosine_different=_mean(cosine[~same]),
        centroid_accuracy=float((nearest == labels).mean()),
        short=short_classes(counts[present], present),
    )


def short_classes(counts: NDArray[Any], classes: NDArray[Any]) -> list[int]:
    """Of ``classes`` with ``counts`` rows those below an equal share by more than one.

    Source: docs/methods/dida.md#other-bank-routines.
    """
    return [
        int(c) for c, count in zip(classes, counts, strict=True) if count < counts.sum() / len(counts) - 1
    ]


def cosine_matrix(features: Features) -> Numbers:
    """(K, K) cosines of all pairs of rows."""
    unit = _unit(features)
    return unit @ unit.T


def projection(features: Features) -> Numbers:
    """(K, 2): the two principal components of the rows with unit length."""
    unit = _unit(features)
    centred = unit - unit.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return centred @ axes[:2].T


def _unit(x: NDArray[Any]) -> Numbers:
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12), np.float64)


def _mean(values: Numbers) -> float:
    return float(values.mean()) if values.size else float('nan')
