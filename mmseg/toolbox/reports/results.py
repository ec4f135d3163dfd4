"""The result of one tested network, as a value and as a JSON file."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmseg.errors import DataError
from mmseg.fileio import atomic_write, read_json


class WorstPicture(NamedTuple):
    """A picture of the data set: its number there, its file's name, its IoU of a class in percent."""

    number: int
    name: str
    iou: float


@dataclass(frozen=True)
class RunResult:
    """Scores of one network on one data set.

    Attributes:
        title: what tables and charts call it, e.g. 'source-only'; unique within a report.
        class_iou: IoU in percent by class name, in class order; NaN where the class is absent.
        confusion: int64 (C, C) pixel counts over the classes of ``class_iou``; rows = truth, columns =
            prediction.
        log_file: the run's ``*.log.json``, for learning curves.
        network: 'student' or 'teacher'.
        note: one line for the reader, such as seed and number of iterations.
        extra: further numbers by name.
        worst: by class name, the pictures with the lowest IoU of that class, the worst first.
    """

    title: str
    class_iou: Mapping[str, float]
    confusion: np.ndarray | None = None
    log_file: Path | None = None
    network: str = 'student'
    note: str = ''
    extra: Mapping[str, float] = field(default_factory=dict)
    worst: Mapping[str, Sequence[WorstPicture]] = field(default_factory=dict)

    @property
    def miou(self) -> float:
        """Mean IoU in percent over the classes that occur; NaN if none does."""
        present = [value for value in self.class_iou.values() if not math.isnan(value)]
        return sum(present) / len(present) if present else math.nan


def save_result(path: Path, result: RunResult) -> None:
    """Write a result as JSON (NaN as null), through a temporary name."""
    content = {
        'title': result.title,
        'network': result.network,
        'note': result.note,
        'mIoU': _or_null(result.miou),
        'class_iou': {name: _or_null(value) for name, value in result.class_iou.items()},
        'extra': dict(result.extra),
        'confusion': None if result.confusion is None else result.confusion.tolist(),
        'log_file': None if result.log_file is None else str(result.log_file),
        'worst': {
            name: [[one.number, one.name, round(one.iou, 2)] for one in pictures]
            for name, pictures in result.worst.items()
        },
    }
    with atomic_write(path) as temporary:
        Path(temporary).write_text(json.dumps(content, indent=1), encoding='utf-8')


def load_result(path: Path) -> RunResult:
    """Read what :func:`save_result` wrote.

    Raises:
        DataError: the file is missing, is no JSON or lacks entries.
    """
    try:
        content = read_json(path)
        confusion = content['confusion']
        return RunResult(
            title=content['title'],
            network=content['network'],
            note=content['note'],
            class_iou={k: math.nan if v is None else float(v) for k, v in content['class_iou'].items()},
            extra=content['extra'],
            confusion=None if confusion is None else np.asarray(confusion, np.int64),
            log_file=None if content['log_file'] is None else Path(content['log_file']),
            worst={
                str(name): tuple(WorstPicture(int(i), str(file), float(iou)) for i, file, iou in pictures)
                for name, pictures in content.get('worst', {}).items()  # older files have none
            },
        )
    except (DataError, ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise DataError(
            f'{path} is not a readable result file ({error}). Expected the JSON that tools/test.py writes '
            f'beside the checkpoint; test the run again to write a new one.'
        ) from error


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)
