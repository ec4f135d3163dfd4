"""Confusion matrices from what is at hand: a result, class maps, a checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from numpy.typing import NDArray

from mmseg.config import require_sections
from mmseg.datasets import build_dataset
from mmseg.engine.build import to_dict
from mmseg.errors import DataError, UsageError
from mmseg.evaluation.metrics import confusion
from mmseg.models.weights import read_plain_pickle
from mmseg.toolbox.reports import load_result
from mmseg.toolbox.testing.boundary import within_band
from mmseg.toolbox.testing.picture_counts import scored_confusion
from mmseg.toolbox.testing.run import OutputOptions, test

PICKLES = ('.pkl', '.pickle')


@dataclass(frozen=True)
class NamedConfusion:
    """A confusion matrix int64 (C, C) over the classes that are scored, rows true, columns predicted.

    Attributes:
        matrix: the counts.
        names: C class names.
        title: what was tested.
    """

    matrix: NDArray[np.int64]
    names: Sequence[str]
    title: str


Band = tuple[float, float]
"""Distances in pixels to the nearest pixel of another class: from the first up to, not including, the second."""


def find_confusion(
    cfg: Config, source: Path, network: str = 'student', band: Band | None = None
) -> NamedConfusion:
    """The confusion matrix that a file stands for.

    Args:
        cfg: configuration of the test; not needed for a result.
        source: ``result_*.json`` of a test, the pickled class maps of ``tools/test.py --out``, or else a
            checkpoint, which is tested now.
        network: of a checkpoint, 'student' or 'teacher'.
        band: count only the pixels that are so far from another class; for class maps.

    Raises:
        UsageError: a ``band`` for something else than class maps.
        DataError: the file does not belong to the data set of ``data.test``, or is damaged.
        CheckpointError: as a test does.
    """
    if band is not None and source.suffix not in PICKLES:
        raise UsageError(
            f'{source} holds no class maps, so pixels cannot be chosen by their distance to a boundary. Write the '
            'maps with tools/test.py --out RESULTS.pkl and give that file.'
        )
    if source.suffix == '.json':
        return _from_result(source)
    require_sections(cfg, ['data.test'])
    if source.suffix not in PICKLES:
        report = test(cfg, source, OutputOptions(metrics=('mIoU',), network=network))
        assert report.confusion is not None
        return NamedConfusion(report.confusion, report.class_names, f'{source.parent.name} ({network})')
    dataset = build_dataset(to_dict(cfg)['data']['test'], test_mode=True)
    matrix = count_maps(read_plain_pickle(source), dataset, source, band)
    merge = dataset.class_merge
    names = dataset.CLASSES if merge is None else merge.names
    return NamedConfusion(scored_confusion(matrix, dataset), names, source.stem)


def count_maps(maps: Any, dataset: Any, path: Path, band: Band | None = None) -> NDArray[np.int64]:
    """Confusion matrix (C, C) over all classes of a data set, of class maps (H, W) in its order.

    ``band`` chooses pixels, see :func:`find_confusion`.

    Raises:
        DataError: not one class map a picture, or other sizes or ids than the labels have.
    """
    if not isinstance(maps, list) or not all(isinstance(one, np.ndarray) for one in maps):
        raise DataError(f'{path}: expected the list of class maps that tools/test.py --out writes.')
    if len(maps) != len(dataset):
        raise DataError(
            f'{path} holds {len(maps)} class maps, but data.test has {len(dataset)} pictures. Use the configuration '
            'that the results were made with.'
        )
    total = np.zeros((len(dataset.CLASSES),) * 2, np.int64)
    for index, predicted in enumerate(maps):
        label = dataset.get_gt_seg_map(index)
        if band is not None:
            label = within_band(label, *band)
        try:
            total += confusion(predicted, label, len(total))
        except ValueError as error:
            name = dataset.img_infos[index]['filename']
            raise DataError(
                f'{path}: class map {index} does not belong to {name} ({error}). Use the configuration that the '
                'results were made with.'
            ) from error
    return total


def _from_result(path: Path) -> NamedConfusion:
    result = load_result(path)
    if result.confusion is None:
        raise DataError(
            f'{path} holds no confusion matrix. Test the checkpoint again with tools/test.py --eval mIoU.'
        )
    return NamedConfusion(result.confusion, list(result.class_iou), f'{result.title} ({result.network})')
