"""Looking at the files of a data set."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from mmseg.datasets.classes import CLASSES
from mmseg.datasets.files import find_files, missing_files, spread
from mmseg.datasets.transforms.geometry import count_ids
from mmseg.decoding import picture_size
from mmseg.errors import DataError
from mmseg.fileio import check_container, file_state, is_folder, read_bytes, read_label
from mmseg.toolbox.checking.layouts import FolderLayout, Split
from mmseg.toolbox.checking.report import Finding, FolderReport, SplitReport, amount
from mmseg.toolbox.checking.statistics import check_statistics
from mmseg.toolbox.preparation.label_formats import IGNORE

SHOWN = 5
"""Damaged files that are named."""


@dataclass
class _Pair:
    """What one picture and its label turned out to be."""

    size: tuple[int, int] | None = None
    counts: dict[int, int] | None = None
    problems: list[str] = field(default_factory=list)


def check_folder(
    root: str,
    layout: FolderLayout,
    sample: int | None = 100,
    min_pixels: int = 3000,
    temperature: float = 0.01,
    threads: int = 2,
    progress: bool = False,
) -> FolderReport:
    """Check the data set in ``root``.

    Names are compared for all files; pictures and labels are opened as ``sample`` says.

    Args:
        root: its folder.
        layout: where its files should lie.
        sample: pictures to open of each part, spread evenly; None opens all.
        min_pixels, temperature: of rare class sampling, see mmseg/datasets/rare_classes.py.
        threads: files opened at the same time.
        progress: show a bar.
    """
    report = FolderReport(layout.name, root)
    present = layout.present(root)
    if not present:
        first = layout.splits[0]
        text = missing_files(
            'pictures', str(Path(root, first.pictures)), layout.picture_ending, _remedy(layout, root)
        )
        report.findings.append(Finding(str(text)))
        return report
    for split in present:
        report.splits.append(_check_split(root, layout, split, sample, threads, progress))
    if absent := [split.name for split in layout.splits if split not in present]:
        report.findings.append(Finding(f'without its part(s) {", ".join(absent)}', wrong=False))
    if layout.statistics != 'none':
        split = layout.splits[0]
        labels = _names_in(Path(root, split.labels or ''), layout.label_ending)
        counted = next((found.counts for found in report.splits if found.name == split.name), {})
        found, rare = check_statistics(
            root, [f'{split.labels}/{name}' for name in labels], counted, min_pixels, temperature,
            layout.statistics == 'needed', _remedy(layout, root),
        )  # fmt: skip
        report.findings += found
        report.rare_classes = rare
    return report


def _check_split(
    root: str, layout: FolderLayout, split: Split, sample: int | None, threads: int, progress: bool
) -> SplitReport:
    report = SplitReport(split.name)
    folder = Path(root, split.pictures)
    pictures = find_files(str(folder), layout.picture_ending)
    label_folder = None if split.labels is None else Path(root, split.labels)
    labels = set() if label_folder is None else set(_names_in(label_folder, layout.label_ending))
    report.pictures, report.labels = len(pictures), len(labels)
    if split.full is not None and len(pictures) != split.full:
        text = f'pictures: {len(pictures)}; the full data set has {split.full}'
        report.findings.append(Finding(text, wrong=len(pictures) > split.full))
    pairs = {name: name.removesuffix(layout.picture_ending) + layout.label_ending for name in pictures}
    if label_folder is not None:
        report.findings += _compare_names(root, layout, pairs, labels, label_folder)
    opened = pictures if sample is None else [pictures[i] for i in spread(len(pictures), sample)]
    tasks = [
        (folder / name, label_folder / pairs[name] if label_folder and pairs[name] in labels else None)
        for name in opened
    ]
    with ThreadPoolExecutor(threads) as pool:
        results = pool.map(lambda task: _open_pair(*task), tasks)
        bar = tqdm(results, f'{layout.name} {split.name}', len(tasks), unit='picture', disable=not progress)
        problems = [
            _add(report, f'{split.labels}/{pairs[name]}', pair)
            for name, pair in zip(opened, bar, strict=True)
        ]
    report.findings += _shortened([text for found in problems for text in found])
    report.looked_at = len(opened)
    unopened = set(pictures) - set(opened)
    if empty := [name for name in unopened if not (file_state(folder / name) or (0,))[0]]:
        report.findings.append(Finding(f'pictures that are empty files: {amount(empty)}. Copy them again.'))
    report.findings += _judge_labels(report, layout, split, root)
    return report


def _compare_names(
    root: str, layout: FolderLayout, pairs: dict[str, str], labels: set[str], folder: Path
) -> list[Finding]:
    """Pictures without label and labels without picture."""
    if not labels:
        raw = len(_names_in(folder, layout.raw)) if layout.raw else 0
        state = f' ({raw} labels wait for conversion)' if raw else ''
        text = missing_files('label maps', str(folder), layout.label_ending, _remedy(layout, root))
        return [Finding(f'{text}{state}')]
    findings = []
    if bare := [name for name, label in pairs.items() if label not in labels]:
        findings.append(Finding(f'pictures without a label map: {amount(bare)}. {_remedy(layout, root)}'))
    if lonely := labels - set(pairs.values()):
        findings.append(
            Finding(
                f'label maps without a picture: {amount(lonely)}. Copy the pictures, or remove the '
                'labels and their statistics.'
            )
        )
    return findings


def _open_pair(picture: Path, label: Path | None) -> _Pair:
    pair = _Pair()
    try:
        content = read_bytes(picture)
        check_container(content, picture)
        pair.size = picture_size(content)
    except (DataError, OSError, Image.DecompressionBombError) as error:
        text = str(error) if isinstance(error, DataError) else f'{picture}: no picture ({error}).'
        pair.problems.append(text)
    if label is None:
        return pair
    try:
        ids = read_label(label)
    except DataError as error:
        pair.problems.append(str(error))
        return pair
    counts = count_ids(ids)
    pair.counts = {int(i): int(counts[i]) for i in np.flatnonzero(counts)}
    if pair.size is not None and ids.shape != pair.size:
        pair.problems.append(
            f'{label}: {ids.shape[0]} x {ids.shape[1]} pixels, but its picture has {pair.size[0]} x {pair.size[1]}. '
            'Download both again.'
        )
    return pair


def _add(report: SplitReport, label_name: str, pair: _Pair) -> list[str]:
    """Count a pair; returns its problems."""
    if pair.size is not None:
        report.sizes[pair.size] += 1
    if pair.counts is not None:
        report.counts[label_name] = {i: n for i, n in pair.counts.items() if i != IGNORE}
        for class_id, pixels in pair.counts.items():
            report.pixels[class_id] += pixels
            report.occurs[class_id] += 1
    return pair.problems


def _shortened(problems: Sequence[str]) -> list[Finding]:
    """The first of the problems of single files, and how many more there are."""
    findings = [Finding(text) for text in problems[:SHOWN]]
    if len(problems) > SHOWN:
        findings.append(Finding(f'more files like these: {len(problems) - SHOWN}'))
    return findings


def _judge_labels(report: SplitReport, layout: FolderLayout, split: Split, root: str) -> list[Finding]:
    """Findings about ids and sizes of the opened files."""
    findings = []
    used = [int(i) for i in np.flatnonzero(report.pixels)]
    if foreign := [i for i in used if len(CLASSES) <= i != IGNORE]:
        findings.append(
            Finding(
                f'ids outside 0..{len(CLASSES) - 1} and {IGNORE} in label maps: {amount(map(str, foreign))}; they are '
                f'not converted to train ids. {_remedy(layout, root)}'
            )
        )
    if report.counts and split.labelled:
        empty = [name for name, counts in report.counts.items() if not counts]
        if empty:
            findings.append(Finding(f'label maps of nothing but {IGNORE}: {amount(empty)}', wrong=False))
        absent = [CLASSES[i] for i in layout.classes if i not in used]
        if absent:
            findings.append(Finding(f'not in the opened label maps: {", ".join(absent)}', wrong=False))
    other = [size for size in report.sizes if layout.size is not None and size != layout.size]
    if other:
        assert layout.size is not None
        count = sum(report.sizes[size] for size in other)
        usual = f'{layout.size[0]} x {layout.size[1]}'
        findings.append(
            Finding(f'opened pictures of another size than {usual}, the usual one: {count}', wrong=False)
        )
    return findings


def _names_in(folder: Path, ending: str) -> list[str]:
    """Files below a folder with that ending, relative to it; none if there is no such folder."""
    return find_files(str(folder), ending) if is_folder(folder) else []


def _remedy(layout: FolderLayout, root: str) -> str:
    return layout.remedy.format(data_root=root.rstrip('/'))
