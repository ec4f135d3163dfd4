"""Scores from a confusion matrix (docs/methods/datasets.md#scores).

All published scores follow from the matrix, so a test adds up one (C, C) matrix whatever the number of
pictures, and the matrices of several processes are simply added.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from prettytable import PrettyTable

from mmseg.errors import UsageError

METRICS = {
    'mIoU': ('IoU', 'Acc'),
    'mDice': ('Dice', 'Acc'),
    'mFscore': ('Fscore', 'Precision', 'Recall'),
}
"""Metric name to the scores per class that it consists of."""


class Merge(Protocol):
    """What :func:`evaluate` needs of a class merge (mmseg/datasets/classes.py)."""

    @property
    def classes(self) -> tuple[int, ...]:
        """Ids that are scored."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""

    def table(self) -> NDArray[np.uint8]:
        """What each of 256 ids becomes."""


class Scores(NamedTuple):
    """Values as published (fractions, rounded to 0.01 percent) and the printed tables."""

    values: dict[str, float]
    text: str


def confusion(
    pred: NDArray[np.integer], label: NDArray[np.integer], num_classes: int, ignore_index: int = 255
) -> NDArray[np.int64]:
    """Count the pairs of true and predicted class of one picture.

    Args:
        pred: (H, W) class ids 0..num_classes-1.
        label: (H, W) class ids, or ``ignore_index`` where the pixel does not count.
        num_classes: C.
        ignore_index: see ``label``.

    Returns:
        int64 (C, C), rows true, columns predicted.

    Raises:
        ValueError: shapes differ, or an id outside the classes.
    """
    if pred.shape != label.shape:
        raise ValueError(f'prediction {pred.shape} and label {label.shape} differ in shape')
    if num_classes >= 256:
        raise ValueError(f'{num_classes} classes; at most 255 are supported')
    table = _pairs(pred, label)
    if table is not None:
        table[ignore_index : ignore_index + 1] = 0
        if np.count_nonzero(table) == np.count_nonzero(matrix := table[:num_classes, :num_classes]):
            return matrix.copy()
    counted = label != ignore_index
    pred, label = pred[counted], label[counted]
    if pred.size and (
        pred.max() >= num_classes or label.max() >= num_classes or min(pred.min(), label.min()) < 0
    ):
        raise ValueError(
            f'ids outside 0..{num_classes - 1}: predicted up to {pred.max()}, true up to {label.max()}'
        )
    pairs = label.astype(np.uint16) * np.uint16(num_classes) + pred.astype(np.uint16)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def _pairs(pred: NDArray[np.integer], label: NDArray[np.integer]) -> NDArray[np.int64] | None:
    """How often each true id comes with each predicted one, (256, 256); None for ids that are no bytes.

    OpenCV makes no array of pairs, which takes NumPy most of its time. Its histogram is float32, which holds whole
    numbers up to 2^24, so large maps are counted in parts.
    """
    table = np.zeros((256, 256), np.int64)
    if not pred.size:
        return table
    if min(pred.min(), label.min()) < 0 or max(pred.max(), label.max()) > 255:
        return None
    flat = [np.ascontiguousarray(ids, np.uint8).reshape(-1, 1) for ids in (label, pred)]
    for start in range(0, pred.size, 2**24):
        part = [ids[start : start + 2**24] for ids in flat]
        table += cv2.calcHist(part, [0, 1], None, [256, 256], [0, 256, 0, 256]).astype(np.int64)
    return table


def merge_predictions(matrix: NDArray[np.int64], table: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Add up rows and columns of a confusion matrix (C, C) by what their ids become."""
    size = len(matrix)
    merged = np.zeros_like(matrix)
    np.add.at(merged, (table[:size, None], table[None, :size]), matrix)
    return merged


def scores(matrix: NDArray[np.int64], metric: str = 'mIoU') -> dict[str, Any]:
    """Unrounded scores of a confusion matrix.

    Args:
        matrix: (C, C), rows true, columns predicted.
        metric: 'mIoU', 'mDice' or 'mFscore'.

    Returns:
        'aAcc' (a fraction) and, per name in ``METRICS[metric]``, float64 (C,); NaN where a class is absent.

    Raises:
        UsageError: unknown metric.
    """
    if metric not in METRICS:
        raise UsageError(
            f'metric {metric!r} is not known; expected one of {", ".join(METRICS)} or cityscapes.'
        )
    hit = np.diag(matrix).astype(np.float64)
    true = matrix.sum(axis=1).astype(np.float64)
    predicted = matrix.sum(axis=0).astype(np.float64)
    with np.errstate(divide='ignore', invalid='ignore'):
        precision, recall = hit / predicted, hit / true
        available = {
            'IoU': hit / (true + predicted - hit),
            'Dice': 2 * hit / (true + predicted),
            'Acc': recall,
            'Precision': precision,
            'Recall': recall,
            'Fscore': 2 * precision * recall / (precision + recall),
        }
        overall = hit.sum() / true.sum()
    return {'aAcc': float(overall), **{name: available[name] for name in METRICS[metric]}}


def evaluate(
    matrix: NDArray[np.int64],
    metric: str | Sequence[str],
    class_names: Sequence[str],
    subset: Sequence[int] | None = None,
    merge: Merge | None = None,
) -> Scores:
    """Published values and tables.

    Args:
        matrix: (C, C), rows true, columns predicted.
        metric: one or several of :data:`METRICS`.
        class_names: C names.
        subset: ids of the classes in the means and the table (for SYNTHIA: SYNTHIA_16, SYNTHIA_13); all if
            None.
        merge: classes that count as one another, and those that are scored; wins over ``subset``.

    Returns:
        ``values``: 'aAcc', means ('mIoU', 'mAcc'), then 'IoU.{class}', 'Acc.{class}'. Rounded to two decimals
        in percent, means before rounding; fractions. NaN for absent classes, which the means leave out.
        ``text``: the tables.
    """
    if merge is not None:
        matrix = merge_predictions(matrix, merge.table())
        chosen, names = list(merge.classes), list(merge.names)
    else:
        chosen = list(range(len(class_names)) if subset is None else subset)
        names = [class_names[i] for i in chosen]
    values: dict[str, float] = {}
    texts = []
    for name in [metric] if isinstance(metric, str) else metric:
        found = scores(matrix, name)
        per_class = {key: found[key][chosen] for key in METRICS[name]}
        values |= published_values(found['aAcc'], per_class, names)
        texts.append(table_text(found['aAcc'], per_class, names))
    return Scores(values, '\n'.join(texts))


TEACHER = 'teacher.'
"""In front of the names of a mean teacher's scores during training."""


def score_names(metrics: Sequence[str], class_names: Sequence[str]) -> list[str]:
    """The names of all values that an evaluation of these metrics gives: 'aAcc', 'mIoU', 'IoU.road', ..."""
    empty = np.zeros((len(class_names),) * 2, np.int64)
    return list(evaluate(empty, metrics, class_names).values)


def published_values(
    overall: float, per_class: Mapping[str, NDArray[np.float64]], names: Sequence[str]
) -> dict[str, float]:
    """The dict of an evaluation in published order: overall accuracy, means, scores per class."""
    values = {'aAcc': _percent(overall) / 100}
    values |= {f'm{key}': _percent(_mean(column)) / 100 for key, column in per_class.items()}
    for key, column in per_class.items():
        values |= {f'{key}.{name}': _percent(value) / 100 for name, value in zip(names, column, strict=True)}
    return values


def table_text(overall: float, per_class: Mapping[str, NDArray[np.float64]], names: Sequence[str]) -> str:
    """The printed tables, in percent."""
    rows = PrettyTable(['Class', *per_class])
    rows.align['Class'] = 'l'
    for number, name in enumerate(names):
        rows.add_row([name, *(_cell(column[number]) for column in per_class.values())])
    summary = PrettyTable(['aAcc', *(f'm{key}' for key in per_class)])
    summary.add_row([_cell(overall), *(_cell(_mean(column)) for column in per_class.values())])
    return f'per class results:\n{rows}\nSummary:\n{summary}'


def _mean(column: NDArray[np.float64]) -> float:
    """Mean without NaN; NaN if nothing is left."""
    present = column[~np.isnan(column)]
    return float(present.mean()) if present.size else float('nan')


def _percent(value: float) -> float:
    return float(np.round(value * 100, 2))


def _cell(value: float) -> float | str:
    """In percent; '-' where there is no number, as the class occurs nowhere."""
    return '-' if np.isnan(value) else _percent(value)
