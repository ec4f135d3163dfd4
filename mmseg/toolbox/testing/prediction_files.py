"""Predictions as PNG files, and the official Cityscapes evaluation of them.

Source: docs/methods/datasets.md#scores, #prediction-files.
"""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from cityscapesscripts.helpers import labels as official
from numpy.typing import NDArray

from mmseg.errors import DataError
from mmseg.fileio import write_label_png

GROUND_TRUTH_SUFFIX = 'gtFine_labelIds.png'


def label_id_table() -> NDArray[np.uint8]:
    """256 ids (uint8): the official label id of each Cityscapes train id; ids without one stay."""
    table = np.arange(256, dtype=np.uint8)
    for train_id, label in official.trainId2label.items():
        if 0 <= train_id < 255:
            table[train_id] = label.id
    return table


def label_id_palette() -> NDArray[np.uint8]:
    """Official colours (256, 3) by label id."""
    palette = np.zeros((256, 3), np.uint8)
    for label_id, label in official.id2label.items():
        if label_id >= 0:
            palette[label_id] = label.color
    return palette


def write_prediction(
    pred: NDArray[np.integer], path: str | Path, to_label_id: bool, palette: Sequence[Sequence[int]]
) -> None:
    """Write one prediction as a palette PNG, atomically.

    Args:
        pred: (H, W) class ids.
        path: the file; folders are created.
        to_label_id: write official Cityscapes label ids with official colours; ``pred`` are train ids.
        palette: RGB colours by class id.
    """
    if to_label_id:
        write_label_png(path, label_id_table()[pred], label_id_palette())
    else:
        write_label_png(path, pred, palette)


def evaluate_official(folder: str | Path, ann_dir: str | Path, suffix: str) -> dict[str, float]:
    """Official pixel-level evaluation of a folder of label-id PNGs.

    Args:
        folder: predictions, named like the pictures.
        ann_dir: searched for ``*gtFine_labelIds.png``, which need ``*gtFine_instanceIds.png`` beside them.
        suffix: ending of the pictures' names that ``gtFine_labelIds`` stands for, without extension
            ('_leftImg8bit').

    Returns:
        'averageScoreClasses', 'averageScoreInstClasses', 'averageScoreCategories', ... as the official
        program calls them, then 'classScores.road', ...: IoU of each class, NaN where it is absent.

    Raises:
        DataError: no ground truth, or a prediction is missing.
    """
    from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as official_evaluation

    truths = sorted(Path(ann_dir).rglob(f'*{GROUND_TRUTH_SUFFIX}'))
    if not truths:
        raise DataError(
            f'{ann_dir}: no files *{GROUND_TRUTH_SUFFIX}, which the official evaluation compares with. They '
            'come with Cityscapes (gtFine_trainvaltest.zip); use `--eval mIoU` to score with the train ids.'
        )
    stem_end = f'_{GROUND_TRUTH_SUFFIX}'
    predictions = [Path(folder) / f'{path.name.removesuffix(stem_end)}{suffix}.png' for path in truths]
    if missing := [path.name for path in predictions if not path.is_file()]:
        raise DataError(
            f'{folder}: {len(missing)} of {len(predictions)} predictions are missing, for instance '
            f'{missing[0]}. Predict all pictures of the split before the official evaluation.'
        )
    if not hasattr(np, 'in1d'):
        # cityscapesscripts 2.3 calls np.in1d, which NumPy 2.4 removed; only its own view of NumPy is completed.
        official_evaluation.np = SimpleNamespace(**{**vars(np), 'in1d': np.isin})
    args = official_evaluation.args
    args.evalInstLevelScore = True
    args.evalPixelAccuracy = False
    args.JSONOutput = False
    args.quiet = True
    results: dict[str, Any] = official_evaluation.evaluateImgLists(
        [str(path) for path in predictions], [str(path) for path in truths], args
    )
    means = {key: float(value) for key, value in results.items() if key.startswith('average')}
    scored = (label.name for label in official.labels if not label.ignoreInEval)
    return means | {f'classScores.{name}': float(results['classScores'][name]) for name in scored}
