"""The 19 classes that all data sets share, their colours, the subsets of SYNTHIA.

Source: docs/methods/datasets.md#classes-and-colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmseg.datasets.label_table import IGNORED
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
        ConfigError: no names, a name twice, or more than there are ids.
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
    if len(names) > IGNORED:
        raise ConfigError(
            f'classes: found {len(names)} names; expected at most {IGNORED}, since {IGNORED} is the id of pixels that '
            'do not count.'
        )
    return names


def chosen_classes(
    own: Sequence[str] | None, classes: Sequence[Any] | str | None, kind: str = 'the data set'
) -> tuple[tuple[str, ...] | None, list[int] | None]:
    """Names of the classes to learn, and which of the data set's own ones they are.

    Args:
        own: classes that the data set has by itself, or None.
        classes: the option of that name; None: all own ones.
        kind: what the data set is called.

    Returns:
        names, None if there are none; ids among ``own``, None if all or none are its own.

    Raises:
        DataError, ConfigError: see :func:`class_names`; or a name is none of the own classes.
    """
    if classes is None:
        return None if own is None else tuple(own), None
    names = class_names(classes)
    if own is None:
        return names, None
    if unknown := [name for name in names if name not in own]:
        raise ConfigError(
            f'classes: {", ".join(unknown)} not among those of {kind}; it has {", ".join(own)}. Labels with other '
            "classes are read by type='CustomDataset'."
        )
    return names, [list(own).index(name) for name in names]


def default_palette(count: int) -> list[list[int]]:
    """RGB colours of ``count`` classes without colours of their own: hues at equal distances."""
    hues = np.linspace(0, 180, count, endpoint=False).astype(np.uint8)
    bands = np.stack([hues, np.full(count, 200, np.uint8), np.full(count, 230, np.uint8)], axis=1)
    colours: list[list[int]] = cv2.cvtColor(bands[None], cv2.COLOR_HSV2RGB)[0].tolist()
    return colours


def class_palette(
    own: Sequence[Sequence[int]] | None,
    names: Sequence[str],
    chosen: Sequence[int] | None,
    palette: Sequence[Sequence[int]] | None,
) -> Sequence[Sequence[int]]:
    """RGB colours of classes: those given, else the data set's own, else hues.

    Args:
        own: colours that the data set has by itself.
        names: of the classes.
        chosen: their ids among the data set's own classes, None for all.
        palette: the option of that name.

    Raises:
        ConfigError: not one colour of three numbers 0..255 for each class.
    """
    if palette is None and own is not None:
        return own if chosen is None else [own[i] for i in chosen]
    if palette is None:
        return default_palette(len(names))
    if len(palette) != len(names):
        raise ConfigError(
            f'palette: found {len(palette)} colours for {len(names)} classes ({", ".join(names)}); expected one '
            '[red, green, blue] for each. Leave palette out for colours of a colour wheel.'
        )
    colours = [list(colour) for colour in palette]
    wrong = [c for c in colours if len(c) != 3 or not all(0 <= value <= 255 for value in c)]
    if wrong:
        raise ConfigError(
            f'palette: found the colour {wrong[0]}; expected [red, green, blue], each 0 to 255.'
        )
    return [[int(value) for value in colour] for colour in colours]


def equal_colours(first: Any, second: Any) -> bool:
    """Whether two palettes (or None) have the same colours, as lists or tuples."""
    if first is None or second is None:
        return first is second
    return [list(colour) for colour in first] == [list(colour) for colour in second]


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
    try:
        merge = {int(source): int(target) for source, target in cfg.get('merge', {}).items()}
        classes = tuple(int(i) for i in cfg.get('classes', range(total)))
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f'class_merge: found {dict(cfg)}; expected dict(merge={{id: id}}, classes=[ids], names=[...]) with whole '
            'numbers as ids.'
        ) from error
    names = tuple(cfg.get('names') or ((class_names or ())[i] for i in classes if i < total))
    outside = sorted(i for i in {*merge, *merge.values(), *classes} if not 0 <= i < total)
    if unknown or outside or len(names) != len(classes):
        raise ConfigError(
            f'class_merge: unknown keys {unknown}, ids outside 0..{total - 1}: {outside}, {len(classes)} '
            f'classes and {len(names)} names. Expected dict(merge={{from: to}}, classes=[ids to score], '
            'names=[one per class]).'
        )
    return ClassMerge(merge, classes, names)
