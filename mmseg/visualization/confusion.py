"""A confusion matrix as a file: a table of counts, or the chart."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmseg.errors import UsageError
from mmseg.fileio import atomic_write
from mmseg.visualization.charts import confusion_chart

TABLE = '.csv'
CHARTS = ('.png', '.pdf', '.svg')


def check_confusion_file(path: Path) -> None:
    """Make sure that the ending of a file says how to write it; raises UsageError."""
    if path.suffix not in (TABLE, *CHARTS):
        raise UsageError(
            f'{path}: a confusion matrix is written as {TABLE} (pixel counts) or as a chart ({", ".join(CHARTS)}); '
            'give the file one of these endings.'
        )


def write_confusion(path: Path, matrix: NDArray[np.int64], names: Sequence[str], title: str = '') -> None:
    """Write a confusion matrix, atomically; the ending of the file says how.

    Args:
        path: ``.csv``: pixel counts, first row and column name the classes; ``.png``, ``.pdf``, ``.svg``: the chart of
            :func:`mmseg.visualization.charts.confusion_chart`, rows in percent.
        matrix: int64 (C, C), rows true, columns predicted.
        names: C class names.
        title: heading of the chart.

    Raises:
        UsageError: another ending.
    """
    check_confusion_file(path)
    with atomic_write(path) as temporary:
        if path.suffix != TABLE:
            confusion_chart(matrix, names, title).savefig(temporary, dpi=130)
            return
        with temporary.open('w', newline='', encoding='utf-8') as file:
            writer = csv.writer(file)
            writer.writerow(['true \\ predicted', *names])
            writer.writerows([name, *row.tolist()] for name, row in zip(names, matrix, strict=True))
