"""What data sets refuse about their options, told without reading a picture or a label map.

Sentences begin with the name of the option.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from mmseg.datasets.building import split_folders
from mmseg.datasets.classes import chosen_classes, class_palette, parse_class_merge
from mmseg.datasets.label_table import IGNORED
from mmseg.errors import UserError

SAMPLING: dict[str, tuple[Callable[[Any], bool], str]] = {
    'min_pixels': (lambda value: value >= 0, 'a whole number of at least 0'),
    'class_temp': (lambda value: value == 'inf' or value > 0, 'a number above 0'),
    'min_crop_ratio': (lambda value: 0 <= value < math.inf, 'a number of at least 0'),
}
"""Keys of ``rare_class_sampling``: predicate and what is expected."""


def single_problems(kind: Any, options: Mapping[str, Any]) -> list[str]:
    """About a data set; a file of class names is the only file that is read.

    Args:
        kind: its class, with CLASSES and PALETTE.
        options: those of the right types.
    """
    found = [*_told(lambda: split_folders(options))]
    ignored = options.get('ignore_index', IGNORED)
    if not 0 <= ignored <= IGNORED:
        found.append(f'ignore_index: found {ignored}; expected an id of label maps, 0 to {IGNORED}.')
    if isinstance(options.get('classes'), str) and not Path(options['classes']).is_file():
        return found  # told by the check of keys
    try:
        names, chosen = chosen_classes(kind.CLASSES, options.get('classes'), kind.__name__)
    except UserError as error:
        return [*found, str(error)]
    if names is None:  # a network can be shown pictures without knowing what its classes are called
        return found
    found += _told(lambda: class_palette(kind.PALETTE, names, chosen, options.get('palette')))
    return [*found, *_told(lambda: parse_class_merge(options.get('class_merge'), names))]


def pair_problems(options: Mapping[str, Any]) -> list[str]:
    """About source and target side by side."""
    found = [
        f'{side}: found {options.get(side)!r}; expected a data set, or a list of them.'
        for side in ('source', 'target', 'labelled_target')
        if not options.get(side) and (side == 'source' or options.get(side) is not None)
    ]
    share = options.get('labelled_share', 0.5)
    if not 0 < share < 1:
        found.append(f'labelled_share: found {share}; expected a number between 0 and 1.')
    size = options.get('sync_crop_size')
    if size is not None and min(size) < 1:
        found.append(f'sync_crop_size: found {size}; expected two positive numbers (height, width).')
    sampling = options.get('rare_class_sampling')
    return found if sampling is None else [*found, *_sampling_problems(sampling)]


def _sampling_problems(sampling: Mapping[str, Any]) -> Iterable[str]:
    for key, (valid, expected) in SAMPLING.items():
        place = f'rare_class_sampling.{key}'
        if key not in sampling:
            yield f'{place}: missing; expected {expected}.'
        elif isinstance(sampling[key], int | float | str) and not _valid(valid, sampling[key]):
            yield f'{place}: found {sampling[key]!r}; expected {expected}.'


def _valid(predicate: Callable[[Any], bool], value: Any) -> bool:
    try:
        return predicate(value)
    except TypeError:  # of another type, which the check of types tells
        return True


def _told(judge: Callable[[], Any]) -> list[str]:
    try:
        judge()
    except UserError as error:
        return [str(error)]
    return []
