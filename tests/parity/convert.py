"""Stored results of the label conversion programs (data/convert): label maps, statistics, split lists."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg.toolbox.preparation.conversion import convert
from mmseg.toolbox.preparation.label_formats import (
    CITYSCAPES,
    GTA,
    MAPILLARY,
    SYNTHIA,
    TRAIN_IDS,
    LabelFormat,
)
from tests.parity.core import Case, Check, family, stem

STATISTICS = ('sample_class_stats.json', 'sample_class_stats_dict.json', 'samples_with_class.json')


@family('*convert/*')
def conversions(folder: Path, root: Path) -> Iterable[Case]:
    """One case per converted folder; which program made it shows in its name and layout."""
    name, folder = stem(folder, root), folder.resolve()
    label_format = _format_of(folder)

    def run(check: Check) -> None:
        with _copied_inputs(folder) as data:
            # mapillary ran in one process over its sorted files; the order does not depend on it.
            convert(data, label_format, nproc=1, progress=False)
            _compare_labels(check, folder, Path(data))
            compare = _compare_as_sets if label_format is CITYSCAPES else _compare_bytes
            compare(check, folder, Path(data))

    yield Case(name, run)


def _format_of(folder: Path) -> LabelFormat:
    if (folder / CITYSCAPES.folder).is_dir():
        return CITYSCAPES
    if (folder / SYNTHIA.folder).is_dir():
        return SYNTHIA
    return MAPILLARY if 'mapillary' in folder.name else GTA


@contextlib.contextmanager
def _copied_inputs(folder: Path) -> Iterator[str]:
    """A copy of the inputs as ``data/<name>``, the path the programs ran on, in a temporary folder."""
    with tempfile.TemporaryDirectory() as temporary:
        made = shutil.ignore_patterns('*' + TRAIN_IDS, '*.txt', *STATISTICS)
        copy = Path(temporary) / 'data' / folder.name
        shutil.copytree(folder, copy, ignore=made, copy_function=shutil.copyfile)
        previous = os.getcwd()
        os.chdir(temporary)
        try:
            yield os.path.join('data', folder.name)
        finally:
            os.chdir(previous)


def _compare_labels(check: Check, folder: Path, data: Path) -> None:
    wanted = sorted(path.relative_to(folder) for path in folder.rglob('*' + TRAIN_IDS))
    made = sorted(path.relative_to(data) for path in data.rglob('*' + TRAIN_IDS))
    check.equal('label files', [str(path) for path in made], [str(path) for path in wanted])
    for path in wanted:
        got, want = Image.open(data / path), Image.open(folder / path)
        check.equal(f'{path} mode', got.mode, want.mode)
        check.equal(str(path), np.asarray(got), np.asarray(want))


def _compare_bytes(check: Check, folder: Path, data: Path) -> None:
    for name in STATISTICS:
        same = (data / name).read_bytes() == (folder / name).read_bytes()
        check.true(name, same, 'the bytes differ')


def _compare_as_sets(check: Check, folder: Path, data: Path) -> None:
    """File lists of Cityscapes come in the order of a directory scan."""
    got, want = (_unordered(base) for base in (data, folder))
    for name in want:
        check.equal(name, got.get(name), want[name])


def _unordered(base: Path) -> dict[str, object]:
    stats = json.loads((base / STATISTICS[0]).read_text())
    with_class = json.loads((base / STATISTICS[2]).read_text())
    content: dict[str, object] = {
        STATISTICS[0]: sorted((list(item.items()) for item in stats), key=lambda item: item[-1]),
        STATISTICS[1]: json.loads((base / STATISTICS[1]).read_text()),
        STATISTICS[2]: {train: sorted(files) for train, files in with_class.items()},
    }
    for split in sorted(base.glob('*.txt')):
        content[split.name] = sorted(split.read_text().splitlines(keepends=True))
    return content
