"""Before a run: a look at some pictures and label maps of everything that it reads, remembered between runs."""

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.files import spread
from mmseg.datasets.rare_classes import STATS_FILE
from mmseg.datasets.uda import UDADataset
from mmseg.errors import DataError
from mmseg.fileio import atomic_write, file_state, read_json
from mmseg.toolbox.checking.own import check_dataset, label_path, stale_counts

SAMPLE = 24
"""Pictures that are opened of each data set: some seconds at full size."""
CACHE = '.preflight'
SKIP = 'Repair this, or skip the look at the data with --no-check.'

logger = logging.getLogger(__name__)


def preflight(train: Any, scored: Any, folder: Path, tolerant: bool = False) -> None:
    """Look at the data of a run; what is odd becomes a warning.

    What was found sound is not looked at again as long as options and files (names, sizes, times) stay the same.

    Args:
        train: data set of the training, single, combined or a pair.
        scored: data set of the evaluations, or None.
        folder: work folder, which gets :data:`CACHE`.
        tolerant: only warn of what is wrong with the training data (``data.on_error='skip'``).

    Raises:
        DataError: a file cannot be used, or no label map looked at has a pixel of any class.
    """
    path = folder / CACHE
    known = _remembered(path)
    notes: dict[str, list[str]] = {}
    for name, dataset, labelled, counted in _parts(train, scored):
        mark = fingerprint(dataset, labelled, counted)
        notes[mark] = (
            known[mark]
            if mark in known
            else look(name, dataset, labelled, tolerant and name != 'val', counted)
        )
        for note in notes[mark]:
            logger.warning('%s: %s', name, note)
    with atomic_write(path) as temporary:
        Path(temporary).write_text(json.dumps(notes, indent=1), encoding='utf-8')


def _remembered(path: Path) -> dict[str, list[str]]:
    """What was found before; nothing if the file is not there or damaged, since looking again costs seconds."""
    try:
        content = read_json(path)
    except DataError:
        return {}
    return content if isinstance(content, dict) else {}


def look(
    name: str, dataset: CustomDataset, labelled: bool, tolerant: bool = False, counted: bool = False
) -> list[str]:
    """What is odd about a data set, one sentence each.

    Args:
        name: what messages call it.
        dataset: what is looked at.
        labelled: whether its labels are used.
        tolerant: only tell of what is wrong.
        counted: whether the statistics of its labels are used.

    Raises:
        DataError: it cannot be trained on.
    """
    report = check_dataset(dataset, name, SAMPLE, labelled)
    report.findings += stale_counts(dataset, report) if counted else []
    wrong = [finding.text for finding in report.findings if finding.wrong]
    if wrong and not tolerant:
        more = f' ({len(wrong) - 1} more of this kind.)' if len(wrong) > 1 else ''
        raise DataError(f'{name}: {wrong[0]}{more} {SKIP}')
    return [finding.text for finding in report.findings]


def fingerprint(dataset: CustomDataset, labelled: bool, counted: bool = False) -> str:
    """A hash of what :func:`look` depends on."""
    facts: list[Any] = [dataset.CLASSES, labelled, counted, len(dataset), dataset.img_dir, dataset.ann_dir]
    facts.append(None if dataset.label_table is None else dataset.label_table.tolist())
    for index in spread(len(dataset), SAMPLE):
        for file in (str(dataset.picture_file(index)), label_path(dataset, index) if labelled else None):
            facts.append(_state(file))
    facts.append(_state(os.path.join(dataset.statistics_folder, STATS_FILE)) if counted else None)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _state(file: str | None) -> list[Any]:
    """Name, size and time of a file."""
    state = file_state(file) if file else None
    return [file, state and list(state)]


def _parts(train: Any, scored: Any) -> Iterable[tuple[str, CustomDataset, bool, bool]]:
    """Name, data set, whether its labels and their statistics are used, of every single data set, each once."""
    if not isinstance(train, UDADataset):
        sides = [('train', train, True)]
    else:
        sides = [('source', train.source, True)]
        if train.target is not None:
            sides.append(('target', train.target, False))
    if scored is not None:
        sides.append(('val', scored, True))
    for name, dataset, labelled in sides:
        parts = list(dict.fromkeys(dataset.parts()))
        for number, part in enumerate(parts):
            counted = name == 'source' and train.rare_classes is not None
            yield f'{name} {number}' if len(parts) > 1 else name, part, labelled, counted
