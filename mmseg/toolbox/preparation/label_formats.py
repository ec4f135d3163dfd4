"""Raw labels of GTA, SYNTHIA, Cityscapes and Mapillary: id tables and readers (docs/methods/conversion.md)."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from cityscapesscripts.helpers.annotation import Annotation
from cityscapesscripts.helpers.labels import labels as cityscapes_labels
from cityscapesscripts.helpers.labels import name2label
from cityscapesscripts.preparation.json2labelImg import createLabelImage
from PIL import Image

from mmseg.errors import DataError
from mmseg.fileio import check_container, read_bytes

IGNORE = 255
SPLITS = ('train', 'val', 'test')
POLYGONS = '_polygons.json'
TRAIN_IDS = '_labelTrainIds.png'

_GTA_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
_SYNTHIA_IDS = (3, 4, 2, 21, 5, 7, 15, 9, 6, 16, 1, 10, 17, 8, 18, 19, 20, 12, 11)
_MAPILLARY_IDS: tuple[tuple[int, ...], ...] = (
    (13, 24, 41), (2, 15), (17,), (6,), (3,), (45, 47), (48,), (50,), (30,), (29,),
    (27,), (19,), (20, 21, 22), (55,), (61,), (54,), (58,), (57,), (52,),
)  # fmt: skip

GTA_TABLE = {raw: train for train, raw in enumerate(_GTA_IDS)}
SYNTHIA_TABLE = {raw: train for train, raw in enumerate(_SYNTHIA_IDS)}
MAPILLARY_TABLE = {raw: train for train, ids in enumerate(_MAPILLARY_IDS) for raw in ids}
_IDENTITY_TABLE = {train: train for train in range(19)}


def read_palette_label(path: str) -> np.ndarray:
    """Raw ids of a palette or grey PNG, uint8 (H, W); of a colour PNG the first channel. Raises DataError."""
    content = _content(path)
    try:
        with Image.open(io.BytesIO(content)) as image:
            label = np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise damaged_label(path, str(error)) from error
    return label if label.ndim == 2 else label[..., 0]


def read_synthia_label(path: str) -> np.ndarray:
    """Class ids of a SYNTHIA label, uint16 (H, W): the last channel in OpenCV's order. Raises DataError."""
    label = cv2.imdecode(np.frombuffer(_content(path), np.uint8), cv2.IMREAD_UNCHANGED)
    if label is None:
        raise damaged_label(path, 'OpenCV cannot decode it')
    return label if label.ndim == 2 else label[..., -1]


def render_cityscapes_label(path: str) -> np.ndarray:
    """Train ids of a Cityscapes polygon file, uint8 (H, W), drawn by cityscapesscripts. Raises DataError."""
    try:
        annotation = Annotation()
        annotation.fromJsonFile(path)
        _check_names(path, annotation)
        return np.asarray(createLabelImage(annotation, 'trainIds'))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        reason = f'{type(error).__name__}: {error}'
        raise DataError(
            f'{path} is not a usable Cityscapes polygon file ({reason}). Expected is JSON with imgHeight, '
            'imgWidth and objects, each with a label and a polygon. Unpack gtFine_trainvaltest.zip again.'
        ) from error


@dataclass(frozen=True)
class LabelFormat:
    """What distinguishes one data set's labels.

    Attributes:
        name: data set name for messages.
        folder: default label folder below the data path.
        nproc: default number of processes.
        endings: a file is processed if its name ends in one of them; the length of the part to be replaced by
            ``_labelTrainIds.png`` is that of ``replaced``.
        table: raw id -> train id; everything else becomes 255.
        ids: number of ids that the data set defines (0 .. ids - 1); others are reported.
        read: path -> integer (H, W) raw ids.
        counted: only files whose path below the label folder contains this enter the statistics.
    """

    name: str
    folder: str
    nproc: int
    endings: tuple[str, ...]
    replaced: str
    table: dict[int, int]
    ids: int
    read: Callable[[str], np.ndarray]
    counted: str = ''


_DIGIT_PNG = tuple(f'{digit}.png' for digit in range(10))
GTA = LabelFormat('GTA', 'labels', 4, _DIGIT_PNG, '.png', GTA_TABLE, 35, read_palette_label)
SYNTHIA = LabelFormat('SYNTHIA', 'GT/LABELS', 4, _DIGIT_PNG, '.png', SYNTHIA_TABLE, 23, read_synthia_label)
MAPILLARY = LabelFormat('Mapillary', 'labels', 4, ('.png',), '.png', MAPILLARY_TABLE, 66, read_palette_label)
CITYSCAPES = LabelFormat(
    'Cityscapes', 'gtFine', 1, (POLYGONS,), POLYGONS, _IDENTITY_TABLE, 256, render_cityscapes_label, 'train/'
)
FORMATS = {item.name: item for item in (GTA, SYNTHIA, MAPILLARY, CITYSCAPES)}


def _check_names(path: str, annotation: Annotation) -> None:
    unknown = {obj.label for obj in annotation.objects if not obj.deleted} - name2label.keys()
    unknown = {name for name in unknown if name.removesuffix('group') not in name2label}
    if unknown:
        known = ', '.join(label.name for label in cityscapes_labels)
        raise DataError(
            f'{path} has polygons labelled {", ".join(sorted(unknown))}, which Cityscapes does not define. '
            f'Correct the labels in that file; known are: {known}.'
        )


def _content(path: str) -> bytes:
    content = read_bytes(path)
    check_container(content, path)
    return content


def damaged_label(path: str, reason: str) -> DataError:
    """The error for a label file that cannot be used; ``reason`` is a clause."""
    return DataError(
        f'{path} cannot be read as a label map: {reason}. Expected is the PNG of the original data set; '
        'unpack or download this file again. Labels already converted are complete and may stay.'
    )
