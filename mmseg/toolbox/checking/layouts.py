"""Where the files of each data set lie, and which data set a folder is.

Source: docs/methods/datasets.md#folders-and-file-names.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmseg.datasets.classes import CLASSES, SYNTHIA_16
from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.domains import (
    ACDCDataset,
    CityscapesDataset,
    DarkZurichDataset,
    GTADataset,
    SynthiaDataset,
)
from mmseg.datasets.files import find_files, spread, walk_files
from mmseg.datasets.label_table import IGNORED
from mmseg.datasets.small_domains import (
    CamVid960Dataset,
    CamVidDataset,
    Carla800Dataset,
    ProcStreetDataset,
)
from mmseg.errors import DataError, UsageError
from mmseg.fileio import is_folder, read_label
from mmseg.toolbox.preparation.label_formats import GTA

NAMES = {'GTA': re.compile(r'\d{5}\.png'), 'Mapillary': re.compile(r'[\w-]{22}\.jpg')}
"""Of pictures, by data set, before anything is converted."""

RAW_IDS = frozenset(range(GTA.ids))
RARE_IDS = frozenset((2, 9, 10, 14, 15, 16, 18))
"""Ids of GTA that hardly any of its pictures has, while label maps that count from 0 with many classes have them."""

MAPILLARY_REMEDY = 'Run `python tools/convert_datasets/mapillary.py {data_root} --gt-dir validation/labels`.'


@dataclass(frozen=True)
class Split:
    """A part of a data set.

    Attributes:
        name: 'train', 'val', ...
        pictures: folder below the root.
        labels: folder below the root; None if the owner publishes no labels for it.
        full: number of pictures that the owner publishes; None if unknown.
        labelled: whether its labels say something (Cityscapes' test labels are dummies).
    """

    name: str
    pictures: str
    labels: str | None
    full: int | None = None
    labelled: bool = True


@dataclass(frozen=True)
class FolderLayout:
    """A data set as it lies on the disk.

    Attributes:
        name: as shown.
        splits: its parts, the one with the statistics first.
        picture_ending, label_ending: of the files.
        remedy: sentence that tells how to prepare it; ``{data_root}`` stands for the folder.
        size: usual (height, width); None if it varies.
        classes: ids that occur in its labels.
        statistics: whether rare class sampling statistics belong to it: 'needed', 'possible' or 'none'.
        raw: ending of labels that are not converted yet; empty if it needs no conversion.
    """

    name: str
    splits: tuple[Split, ...]
    picture_ending: str
    label_ending: str
    remedy: str
    size: tuple[int, int] | None = None
    classes: tuple[int, ...] = tuple(range(len(CLASSES)))
    statistics: str = 'none'
    raw: str = ''

    def present(self, root: str) -> list[Split]:
        """The splits whose folder of pictures has a fitting file."""
        return [
            split
            for split in self.splits
            if _has_file(os.path.join(root, split.pictures), self.picture_ending)
        ]


def _layout(
    name: str,
    dataset: type[CustomDataset],
    splits: Sequence[Split],
    size: tuple[int, int] | None,
    classes: Sequence[int] = range(len(CLASSES)),
    statistics: str = 'none',
    raw: str = '',
) -> FolderLayout:
    endings = (dataset.IMG_SUFFIX, dataset.SEG_MAP_SUFFIX)
    return FolderLayout(name, tuple(splits), *endings, dataset.PREPARE, size, tuple(classes), statistics, raw)


def _cityscapes_like(pictures: str, labels: str, *counts: tuple[str, int | None, bool]) -> list[Split]:
    return [
        Split(name, f'{pictures}/{name}', f'{labels}/{name}', full, labelled)
        for name, full, labelled in counts
    ]


LAYOUTS = (
    _layout(
        'GTA', GTADataset, [Split('all', 'images', 'labels', 24966)], (1052, 1914), statistics='needed', raw='.png'
    ),
    _layout(
        'SYNTHIA', SynthiaDataset, [Split('all', 'RGB', 'GT/LABELS', 9400)], (760, 1280), SYNTHIA_16, 'needed', '.png'
    ),
    _layout(
        'Cityscapes',
        CityscapesDataset,
        _cityscapes_like(
            'leftImg8bit', 'gtFine', ('train', 2975, True), ('val', 500, True), ('test', 1525, False)
        ),
        CityscapesDataset.FULL_SIZE,
        statistics='possible',
        raw='_polygons.json',
    ),
    _layout(
        'DarkZurich',
        DarkZurichDataset,
        [
            Split('train', 'rgb_anon/train/night', None, 2416),
            Split('val', 'rgb_anon/val', 'gt/val', 50),
        ],
        DarkZurichDataset.FULL_SIZE,
    ),
    _layout(
        'ACDC',
        ACDCDataset,
        [
            *_cityscapes_like('rgb_anon', 'gt', ('train', 1600, True), ('val', 406, True)),
            Split('test', 'rgb_anon/test', None, 2000),
        ],
        ACDCDataset.FULL_SIZE,
    ),
    FolderLayout(
        'Mapillary',
        (
            Split('training', 'training/images', 'training/labels', 18000),
            Split('validation', 'validation/images', 'validation/labels', 2000),
        ),
        '.jpg',
        '_labelTrainIds.png',
        MAPILLARY_REMEDY,
        raw='.png',
    ),
    _layout(
        'ProcStreet', ProcStreetDataset, [Split('all', 'images', 'labels', 400)], (360, 480),
        [i for i in range(len(CLASSES)) if CLASSES[i] != 'train'], 'needed',
    ),
    _layout(
        'ProcStreet960', ProcStreetDataset, [Split('all', 'images', 'labels', 400)], (720, 960),
        [i for i in range(len(CLASSES)) if CLASSES[i] != 'train'], 'needed',
    ),
    _layout(
        'Carla800', Carla800Dataset, [Split('all', 'images', 'labels', 299)], (500, 800),
        [0, 1, 2, 3, 4, 5, 7, 8, 10, 11, 13], 'needed',
    ),
    _layout(
        'CamVid', CamVidDataset,
        _cityscapes_like('leftImg8bit', 'gtFine', ('train', None, True), ('val', None, True)), (360, 480),
        [0, 1, 2, 4, 5, 7, 8, 10, 11, 13, 18],
    ),
    _layout(
        'CamVid960', CamVid960Dataset,
        _cityscapes_like('leftImg8bit', 'gtFine', ('train', 231, True), ('val', 175, True)), (720, 960),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 15, 18],
    ),
)  # fmt: skip
"""Known data sets, the more special one first where folders look alike."""


def _likely_first(root: str) -> list[FolderLayout]:
    """All layouts; one that is named like the folder comes first, because some look alike."""
    return sorted(LAYOUTS, key=lambda layout: layout.name.lower() != Path(root).name.lower())


def layout_named(name: str) -> FolderLayout:
    """A layout by its name, in any case; raises UsageError naming the known ones."""
    plain = name.lower().replace('_', '').replace('-', '')
    for layout in LAYOUTS:
        if layout.name.lower() == plain:
            return layout
    names = ', '.join(layout.name for layout in LAYOUTS)
    raise UsageError(f'--dataset {name}: not known; expected one of {names}.')


def recognise(root: str) -> FolderLayout:
    """The data set that a folder holds.

    Raises:
        DataError: the folder does not exist, or has none of the known layouts.
    """
    if not is_folder(root):
        raise DataError(f'{root}: no such folder. Expected the root of a data set, for instance data/gta.')
    for layout in _likely_first(root):
        if layout.present(root) and not _is_own(root, layout):
            return layout
    if any(Path(root, 'rgb_anon', condition).is_dir() for condition in ('fog', 'night', 'rain', 'snow')):
        raise DataError(
            f'{root} looks like ACDC as downloaded, with a folder for each condition. '
            + ACDCDataset.PREPARE.format(data_root=root)
        )
    inside = ', '.join(_entries(root)[:8]) or 'nothing'
    expected = '; '.join(
        f'{layout.name}: {layout.splits[0].pictures}/*{layout.picture_ending}' for layout in LAYOUTS
    )
    raise DataError(
        f'{root} is none of the known data sets; in it: {inside}. Expected one of: {expected}. Name the right folder, '
        'or the data set with --dataset to see what is missing; for data of your own, name a configuration that reads '
        'it instead of the folder.'
    )


def _entries(folder: str) -> list[str]:
    """Names of files and folders in a folder or an archive, sorted, each once."""
    if Path(folder).is_dir():
        return sorted(os.listdir(folder))
    start = len(os.path.join(folder, ''))
    return sorted({path[start:].split('/')[0] for path in walk_files(folder)})


def _is_own(root: str, layout: FolderLayout) -> bool:
    """Whether folders called ``images`` and ``labels``, which many have, hold something else than a layout says.

    What the converters write tells the known ones. Before that, GTA's and Mapillary's pictures are told by their names,
    and GTA's labels by their ids, which are sparse: some lie beyond the 19 classes, and some small ones hardly occur.
    """
    split = layout.splits[-1]
    if Path(split.pictures).name != 'images':
        return False
    if any(_has_file(os.path.join(root, part.labels or ''), layout.label_ending) for part in layout.splits):
        return False
    pictures = find_files(os.path.join(root, layout.present(root)[0].pictures), layout.picture_ending)
    if layout.name not in NAMES or not all(NAMES[layout.name].fullmatch(name) for name in pictures):
        return True
    return layout.name == 'GTA' and _has_other_ids(os.path.join(root, 'labels'))


def _has_other_ids(folder: str) -> bool:
    """Whether the label maps of a folder have other ids than GTA."""
    names = find_files(folder, '.png') if is_folder(folder) else []
    used = {i for number in spread(len(names), 3) for i in _ids(os.path.join(folder, names[number]))}
    return bool(names) and (not used <= RAW_IDS or max(used, default=0) < len(CLASSES) or used >= RARE_IDS)


def _ids(path: str) -> list[int]:
    """Ids in a label map but the ignored one; none if it is no map of ids."""
    try:
        label = read_label(path)
    except DataError:
        return []
    return [int(i) for i in np.unique(label[label != IGNORED])]


def _has_file(folder: str, ending: str) -> bool:
    """Whether a file with that ending is below the folder (hidden ones left out); stops at the first."""
    return is_folder(folder) and any(path.endswith(ending) for path in walk_files(folder))
