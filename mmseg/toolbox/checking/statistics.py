"""Are the statistics of rare class sampling those of the labels beside them?

Source: docs/methods/conversion.md#statistics-files.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.datasets.classes import CLASSES
from mmseg.datasets.matching import match_paths
from mmseg.datasets.rare_classes import (
    SAMPLES_FILE,
    STATS_FILE,
    Samples,
    read_samples,
    read_stats,
    sampling_probabilities,
    statistics_folder,
    total_pixels,
)
from mmseg.errors import DataError
from mmseg.fileio import exists, read_json
from mmseg.toolbox.checking.report import Finding, RareClass, amount

DICT_FILE = 'sample_class_stats_dict.json'
Counts = Mapping[str, Mapping[int, int]]
"""Pixels by class id by path of the label map."""


def check_statistics(
    root: str,
    labels: Sequence[str],
    counted: Counts,
    min_pixels: int,
    temperature: float,
    needed: bool,
    remedy: str,
) -> tuple[list[Finding], dict[int, RareClass]]:
    """Compare the statistics files in ``root`` with the label maps.

    Args:
        root: folder of the data set.
        labels: paths of the label maps they should describe, below the root.
        counted: pixels of those that were opened.
        min_pixels, temperature: of rare class sampling.
        needed: whether the data set is a source, which needs them.
        remedy: sentence that tells how to write them.

    Returns:
        What was noticed, and what rare class sampling would do, rare classes first.
    """
    root = statistics_folder(root)
    if not needed and not exists(Path(root, STATS_FILE)):
        return [Finding(f'no {STATS_FILE}: fine for a target; a source needs it. {remedy}', wrong=False)], {}
    try:
        stats, samples = read_stats(root, remedy), read_samples(root, remedy)
    except DataError as error:
        return [Finding(str(error))], {}
    files = [str(entry.get('file', '')) for entry in stats]
    paths = {name: labels[number] for name, number in match_paths(files, labels).items()}
    described = {paths.get(name, name): _counts(entry) for name, entry in zip(files, stats, strict=True)}
    samples = {c: [(paths.get(name, name), count) for name, count in some] for c, some in samples.items()}
    findings = [
        *_compare_names(described, labels, remedy),
        *_compare_counts(described, counted, remedy),
        *_compare_samples(described, samples, remedy),
        *_compare_dict(root, described, paths, remedy),
    ]
    rare = rare_classes(stats, samples, min_pixels, temperature)
    without = [_name(class_id) for class_id, found in rare.items() if not found.candidates]
    if without:
        findings.append(
            Finding(
                f'no label map has more than {min_pixels} pixels of {", ".join(without)}; rare class sampling needs a '
                'smaller rare_class_sampling.min_pixels here',
                wrong=False,
            )
        )
    return findings, rare


def rare_classes(
    stats: Sequence[Mapping[str, Any]], samples: Samples, min_pixels: int, temperature: float
) -> dict[int, RareClass]:
    """What rare class sampling would do, by class id, rare ones first (mmseg/datasets/rare_classes.py)."""
    totals = total_pixels(stats)
    everything = max(sum(totals.values()), 1)
    return {
        class_id: RareClass(
            totals[class_id] / everything,
            float(probability),
            sum(count > min_pixels for _, count in samples.get(class_id, [])),
        )
        for class_id, probability in zip(*sampling_probabilities(stats, temperature), strict=True)
    }


def _compare_names(described: Counts, labels: Sequence[str], remedy: str) -> list[Finding]:
    findings = []
    if unknown := set(described) - set(labels):
        findings.append(
            Finding(f'{STATS_FILE} names label maps that are not there: {amount(unknown)}. {remedy}')
        )
    if forgotten := set(labels) - set(described):
        findings.append(Finding(f'{STATS_FILE} lacks label maps: {amount(forgotten)}. {remedy}'))
    return findings


def _compare_counts(described: Counts, counted: Counts, remedy: str) -> list[Finding]:
    differing = [name for name, counts in counted.items() if name in described and described[name] != counts]
    if not differing:
        return []
    return [
        Finding(
            f'{STATS_FILE} counts other pixels than the opened label maps have, of {len(counted)} in '
            f'{amount(differing)}. {remedy}'
        )
    ]


def _compare_samples(described: Counts, samples: Samples, remedy: str) -> list[Finding]:
    found = {(class_id, name): count for class_id, files in samples.items() for name, count in files}
    expected = {
        (class_id, name): count for name, counts in described.items() for class_id, count in counts.items()
    }
    if found == expected:
        return []
    wrong = {name for (_, name), _ in set(found.items()) ^ set(expected.items())}
    return [Finding(f'{SAMPLES_FILE} and {STATS_FILE} disagree about files: {amount(wrong)}. {remedy}')]


def _compare_dict(root: str, described: Counts, paths: Mapping[str, str], remedy: str) -> list[Finding]:
    """The third file is read by nothing here, but belongs to a conversion."""
    if not exists(Path(root, DICT_FILE)):
        return [Finding(f'no {DICT_FILE}; nothing here reads it', wrong=False)]
    try:
        content = read_json(Path(root, DICT_FILE))
        found = {paths.get(name, name): _counts(counts) for name, counts in content.items()}
    except (DataError, ValueError, AttributeError, TypeError, OverflowError) as error:
        return [Finding(f'{Path(root, DICT_FILE)}: damaged statistics file ({error}). {remedy}')]
    if found == described:
        return []
    return [Finding(f'{DICT_FILE} and {STATS_FILE} differ. {remedy}')]


def _counts(entry: Mapping[str, Any]) -> dict[int, int]:
    return {int(key): int(value) for key, value in entry.items() if key != 'file'}


def _name(class_id: int) -> str:
    return CLASSES[class_id] if class_id < len(CLASSES) else str(class_id)
