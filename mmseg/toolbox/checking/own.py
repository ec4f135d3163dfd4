"""Looking at a data set as a configuration describes it: through its own table, with its own class names."""

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.files import has_suffix, spread, walk_files
from mmseg.datasets.label_table import IGNORED
from mmseg.datasets.source_statistics import counts_by_picture
from mmseg.datasets.transforms.geometry import count_ids
from mmseg.datasets.transforms.reading import apply_table, check_ids
from mmseg.errors import DataError
from mmseg.fileio import exists, read_image, read_label
from mmseg.toolbox.checking.report import Finding, SplitReport, amount

SHOWN = 5
"""Damaged files that are named."""
THIN = 8
"""Pictures with an edge of fewer pixels are hardly meant."""
DARK = 32
"""Pictures without a value of at least this are hardly meant."""
PICTURE_ENDINGS = ('.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff')


@dataclass
class Look:
    """What one picture and its label map are.

    Attributes:
        size: (height, width) of the picture; None if it cannot be read.
        flat: whether all its pixels have one colour.
        largest: of all its values, 0..255.
        raw, counts: pixels by id in the file and behind the table, int64 (256,); None without a label map.
        problems: one sentence each.
    """

    size: tuple[int, int] | None = None
    flat: bool = False
    largest: int | None = None
    raw: NDArray[np.int64] | None = None
    counts: NDArray[np.int64] | None = None
    problems: list[str] = field(default_factory=list)


def check_dataset(
    dataset: CustomDataset,
    name: str,
    sample: int | None = 100,
    labelled: bool = True,
    threads: int = 2,
    progress: bool = False,
) -> SplitReport:
    """Open some pictures and label maps of a data set and judge them.

    Args:
        dataset: what is looked at.
        name: what the report calls it.
        sample: pictures to open, spread evenly; None opens all.
        labelled: also look at the label maps.
        threads: files opened at the same time.
        progress: show a bar.
    """
    report = SplitReport(name, pictures=len(dataset))
    labels = [label_path(dataset, i) for i in range(len(dataset))] if labelled else [None] * len(dataset)
    chosen = list(range(len(dataset))) if sample is None else spread(len(dataset), sample)
    if labelled:
        checked = range(len(dataset)) if sample is None or len(dataset) < 10_000 else chosen
        missing = [
            path or '(no ann_dir)' for path in (labels[i] for i in checked) if not path or not exists(path)
        ]
        report.labels = len(dataset) - len(missing)
        if missing:
            report.findings.append(
                Finding(f'label maps that are missing: {amount(missing)}. {dataset.remedy()}')
            )
    with ThreadPoolExecutor(threads) as pool:
        looks = pool.map(lambda i: look_at(dataset, i, labels[i]), chosen)
        bar = list(tqdm(looks, name, len(chosen), unit='picture', disable=not progress))
    report.looked_at = len(chosen)
    for number, look in zip(chosen, bar, strict=True):
        _add(report, dataset.img_infos[number]['filename'], look)
    problems = [text for look in bar for text in look.problems]
    report.findings += [Finding(text) for text in problems[:SHOWN]]
    if len(problems) > SHOWN:
        report.findings.append(Finding(f'more files like these: {len(problems) - SHOWN}'))
    report.findings += [*_judge_pictures(dataset, chosen, bar), *_judge_labels(dataset, bar)]
    return report


def stale_counts(dataset: CustomDataset, report: SplitReport) -> list[Finding]:
    """Whether the statistics of rare class sampling count what the label maps of a report have."""
    try:
        counted = counts_by_picture(dataset)
    except DataError:
        return []  # the sampling itself tells
    differing = [
        name for name, counts in report.counts.items() if name in counted and counted[name] != counts
    ]
    if not differing:
        return []
    text = (
        f'{dataset.statistics_folder}: the statistics count other pixels than the label maps have, in '
        f'{len(differing)} of {len(report.counts)} looked at ({amount(differing)}); labels were changed after they '
        f'were counted, so rare class sampling draws by old numbers. {dataset.statistics_remedy()}'
    )
    return [Finding(text, wrong=False)]


def label_path(dataset: CustomDataset, index: int) -> str | None:
    """The label map of picture ``index``; None if the data set has no ``ann_dir``."""
    seg_map = dataset.img_infos[index]['ann'].get('seg_map')
    return None if seg_map is None else os.path.join(dataset.ann_dir or '', seg_map)


def look_at(dataset: CustomDataset, index: int, label: str | None) -> Look:
    """Read picture ``index`` and, if it exists, its label map; problems are collected, not raised."""
    look = Look()
    try:
        picture = read_image(dataset.picture_file(index))
        look.size, look.flat = (picture.shape[0], picture.shape[1]), bool((picture == picture[0, 0]).all())
        look.largest = int(picture.max())
    except DataError as error:
        look.problems.append(str(error))
    if label is None or not exists(label):
        return look
    try:
        ids = read_label(label)
        look.raw = count_ids(ids)
        ids = apply_table(ids, dataset.label_table)
        look.counts = count_ids(ids)
        check_ids(ids, len(dataset.CLASSES or ()) or None, label, dataset.ids_remedy())
        if look.size not in (None, ids.shape):
            look.problems.append(
                f'{label}: {ids.shape[0]} x {ids.shape[1]} pixels (height x width), but its picture has '
                f'{look.size[0]} x {look.size[1]}. Both must have the same size.'
            )
    except DataError as error:
        look.problems.append(str(error))
    return look


def _add(report: SplitReport, name: str, look: Look) -> None:
    if look.size is not None:
        report.sizes[look.size] += 1
    if look.counts is not None:
        report.pixels += look.counts
        report.occurs += look.counts > 0
        report.counts[name] = {
            int(i): int(look.counts[i]) for i in np.flatnonzero(look.counts) if i != IGNORED
        }


def _judge_pictures(dataset: CustomDataset, chosen: Sequence[int], looks: Sequence[Look]) -> list[Finding]:
    names = [dataset.img_infos[i]['filename'] for i in chosen]
    thin = [name for name, look in zip(names, looks, strict=True) if look.size and min(look.size) < THIN]
    flat = [name for name, look in zip(names, looks, strict=True) if look.flat]
    found = []
    if thin:
        found.append(
            Finding(f'pictures with an edge of fewer than {THIN} pixels: {amount(thin)}. Leave them out.')
        )
    if flat:
        text = f'pictures of one colour only: {amount(flat)}; are they read as they should be?'
        found.append(Finding(text, wrong=False))
    largest = max((look.largest for look in looks if look.largest is not None), default=255)
    if largest < DARK:
        found.append(
            Finding(
                f'no value above {largest} of 255 in the {len(looks)} pictures looked at: label maps in their place, '
                'values from 0 to 1, or bits that were cut off? Save pictures with values from 0 to 255.',
                wrong=False,
            )
        )
    return [*found, *_left_out(dataset)]


def _left_out(dataset: CustomDataset) -> list[Finding]:
    """Pictures in the folder that have another ending than the one that is read."""
    if dataset.split is not None:
        return []
    paths = (path for path in walk_files(dataset.img_dir) if path.lower().endswith(PICTURE_ENDINGS))
    others = Counter(
        os.path.splitext(path)[1]
        for path in paths
        if not has_suffix(path, os.path.splitext(dataset.img_suffix)[1] or dataset.img_suffix)
        and not has_suffix(path, dataset.seg_map_suffix)
    )
    if not others:
        return []
    counts = ', '.join(f'{count} {ending}' for ending, count in others.most_common())
    return [
        Finding(
            f'{dataset.img_dir}: pictures that are left out, since img_suffix is {dataset.img_suffix}: {counts}. To '
            'read both give data.train a list of two data sets with one img_suffix each.',
            wrong=False,
        )
    ]


def _judge_labels(dataset: CustomDataset, looks: Sequence[Look]) -> list[Finding]:
    """Labels that teach nothing: no class at all, or some that never occur."""
    seen = [(look.counts, look.raw) for look in looks if look.counts is not None and look.raw is not None]
    names = dataset.CLASSES
    if not seen or names is None:
        return []
    pixels, raw = (np.sum(both, axis=0) for both in zip(*seen, strict=True))
    scored = range(len(names)) if dataset.class_merge is None else dataset.class_merge.classes
    absent = [names[i] for i in scored if not pixels[i]]
    shares = ', '.join(f'{i}: {100 * raw[i] / raw.sum():.1f} %' for i in np.argsort(-raw)[:8] if raw[i])
    context = f'{len(seen)} label maps looked at, whose files hold the ids {shares}; {IGNORED} means ignored'
    if not pixels[:IGNORED].any():
        return [
            Finding(f'no pixel of any class in {context}, so nothing can be learned. {dataset.ids_remedy()}')
        ]
    if not absent:
        return []
    hint = ''
    if raw[IGNORED] and np.flatnonzero(raw)[-2:].tolist() == [0, IGNORED]:
        hint = ' Masks of 0 and 255 need 1 instead of 255 for the second class.'
    return [Finding(f'no pixel of {", ".join(absent)} in {context}.{hint}', wrong=False)]
