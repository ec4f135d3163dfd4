"""The 19 classes that all data sets share, their colours, the subsets of SYNTHIA.

Source: docs/methods/datasets.md#classes-and-colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.errors import ConfigError
from mmseg.fileio import read_text

CLASSES = (
    'road',
    'sidewalk',
    'building',
    'wall',
    'fence',
    'pole',
    'traffic light',
    'traffic sign',
    'vegetation',
    'terrain',
    'sky',
    'person',
    'rider',
    'car',
    'truck',
    'bus',
    'train',
    'motorcycle',
    'bicycle',
)
PALETTE = (
    (128, 64, 128),
    (244, 35, 232),
    (70, 70, 70),
    (102, 102, 156),
    (190, 153, 153),
    (153, 153, 153),
    (250, 170, 30),
    (220, 220, 0),
    (107, 142, 35),
    (152, 251, 152),
    (70, 130, 180),
    (220, 20, 60),
    (255, 0, 0),
    (0, 0, 142),
    (0, 0, 70),
    (0, 60, 100),
    (0, 80, 100),
    (0, 0, 230),
    (119, 11, 32),
)

SYNTHIA_16 = tuple(i for i, name in enumerate(CLASSES) if name not in ('terrain', 'truck', 'train'))
"""Ids of the 16 classes that SYNTHIA labels."""

SYNTHIA_13 = tuple(i for i in SYNTHIA_16 if CLASSES[i] not in ('wall', 'fence', 'pole'))
"""Ids of the 13 classes that older papers score on SYNTHIA."""


def class_names(classes: Sequence[Any] | str) -> tuple[str, ...]:
    """Names from the ``classes`` option: a list, whose numbers become texts, or a file with one name a line.

    Raises:
        DataError: the file cannot be read.
        ConfigError: no names, or a name twice.
    """
    names = tuple(read_text(classes).splitlines() if isinstance(classes, str) else map(str, classes))
    names = tuple(name.strip() for name in names if name.strip())
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            f'classes: {", ".join(twice)} named more than once; give each class a name of its own.'
        )
    if not names:
        raise ConfigError(
            f'classes: found {classes!r}; expected a list of names, or a file with one name a line.'
        )
    return names


def default_palette(count: int) -> list[list[int]]:
    """RGB colours of ``count`` classes without colours of their own: hues at equal distances."""
    hues = np.linspace(0, 180, count, endpoint=False).astype(np.uint8)
    bands = np.stack([hues, np.full(count, 200, np.uint8), np.full(count, 230, np.uint8)], axis=1)
    colours: list[list[int]] = cv2.cvtColor(bands[None], cv2.COLOR_HSV2RGB)[0].tolist()
    return colours


def check_palette(palette: Sequence[Sequence[int]], names: Sequence[str]) -> None:
    """Raise ConfigError unless there is one RGB colour for each class."""
    if len(palette) != len(names) or any(len(colour) != 3 for colour in palette):
        raise ConfigError(
            f'palette: found {len(palette)} colours for {len(names)} classes ({", ".join(names)}); expected one '
            '[red, green, blue] for each. Leave palette out for colours of a colour wheel.'
        )


@dataclass(frozen=True)
class ClassMerge:
    """Classes that are counted as one another, and those that are scored.

    For a target that does not tell all classes apart (CamVid): labels are merged when they are read,
    predictions when they are scored.

    Attributes:
        merge: id to the id it counts as.
        classes: ids that are scored, in order.
        names: their names.
    """

    merge: dict[int, int] = field(default_factory=dict)
    classes: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    def table(self) -> NDArray[np.uint8]:
        """256 ids (uint8): what each id becomes."""
        table = np.arange(256, dtype=np.uint8)
        for source, target in self.merge.items():
            table[source] = target
        return table


def parse_class_merge(cfg: dict[str, Any] | None, class_names: Sequence[str] | None) -> ClassMerge | None:
    """Read the ``class_merge`` option: dict(merge={from: to}, classes=[ids], names=[...]).

    Ids may be strings, as in JSON.

    Raises:
        ConfigError: unknown keys, ids outside the classes, or another number of names than of classes.
    """
    if cfg is None:
        return None
    total = len(class_names or ())
    unknown = sorted(set(cfg) - {'merge', 'classes', 'names', 'note'})
    merge = {int(source): int(target) for source, target in cfg.get('merge', {}).items()}
    classes = tuple(int(i) for i in cfg.get('classes', range(total)))
    names = tuple(cfg.get('names') or ((class_names or ())[i] for i in classes if i < total))
    outside = sorted(i for i in {*merge, *merge.values(), *classes} if not 0 <= i < total)
    if unknown or outside or len(names) != len(classes):
        raise ConfigError(
            f'class_merge: unknown keys {unknown}, ids outside 0..{total - 1}: {outside}, {len(classes)} '
            f'classes and {len(names)} names. Expected dict(merge={{from: to}}, classes=[ids to score], '
            'names=[one per class]).'
        )
    return ClassMerge(merge, classes, names)
