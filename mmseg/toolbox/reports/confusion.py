"""A confusion matrix as a file: a table of counts, or the chart."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from prettytable import PrettyTable

from mmseg.errors import UsageError
from mmseg.fileio import atomic_write
from mmseg.toolbox.reports.charts import FIGURE_ENDINGS, confusion_chart, row_normalised, save_figure

TABLE = '.csv'


def check_confusion_file(path: Path) -> None:
    """Make sure that the ending of a file says how to write it; raises UsageError."""
    if path.suffix not in (TABLE, *FIGURE_ENDINGS):
        charts = ', '.join(FIGURE_ENDINGS)
        raise UsageError(
            f'{path}: a confusion matrix is written as {TABLE} (pixel counts) or as a chart ({charts}); give the file '
            'one of these endings.'
        )


def write_confusion(
    path: Path,
    matrix: NDArray[np.int64],
    names: Sequence[str],
    title: str = '',
    by: Literal['true', 'predicted'] = 'true',
) -> None:
    """Write a confusion matrix, atomically; the ending of the file says how.

    Args:
        path: ``.csv``: pixel counts, first row and column name the classes; ``.png``, ``.pdf``, ``.svg``: the chart of
            :func:`mmseg.toolbox.reports.charts.confusion_chart`, in percent.
        matrix: int64 (C, C), rows true, columns predicted.
        names: C class names.
        title: heading of the chart.
        by: what the chart's percentages are of.

    Raises:
        UsageError: another ending.
    """
    check_confusion_file(path)
    if path.suffix != TABLE:
        save_figure(confusion_chart(matrix, names, title, by), path, dpi=130)
        return
    with atomic_write(path) as temporary, temporary.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(['true \\ predicted', *names])
        writer.writerows([name, *row.tolist()] for name, row in zip(names, matrix, strict=True))


class Confused(NamedTuple):
    """Pixels of one class that were taken for another; ``share``: their percent of the class."""

    true: str
    predicted: str
    share: float
    pixels: int


def largest_confusions(matrix: NDArray[np.int64], names: Sequence[str], count: int) -> list[Confused]:
    """The pairs of classes with the largest share of the true class, largest first.

    Args:
        matrix: int64 (C, C), rows true, columns predicted.
        names: C class names.
        count: of pairs.
    """
    share = np.nan_to_num(100 * row_normalised(matrix))
    np.fill_diagonal(share, 0)
    order = np.argsort(-share, axis=None, kind='stable')[:count]
    pairs = (divmod(int(place), len(share)) for place in order)
    return [
        Confused(names[i], names[j], float(share[i, j]), int(matrix[i, j])) for i, j in pairs if share[i, j]
    ]


def confusion_table(confused: Sequence[Confused]) -> str:
    """Confusions as text."""
    table = PrettyTable(['true', 'taken for', '% of the true', 'pixels'])
    table.align['true'] = table.align['taken for'] = 'l'
    table.align['% of the true'] = table.align['pixels'] = 'r'
    table.add_rows([[one.true, one.predicted, f'{one.share:.1f}', one.pixels] for one in confused])
    return str(table.get_string())
