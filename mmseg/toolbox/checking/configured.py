"""Checking what a configuration will read: every data set of training, validation and test, through its own table."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmseg.datasets.building import build_dataset, changed_datasets
from mmseg.datasets.rare_classes import candidates, sampling_probabilities
from mmseg.datasets.source_statistics import source_statistics
from mmseg.errors import DataError
from mmseg.toolbox.checking.own import check_dataset, stale_counts
from mmseg.toolbox.checking.report import Finding, FolderReport
from mmseg.toolbox.checking.statistics import rare_classes

RARE = 'rare_class_sampling'


def check_config_data(
    data: Mapping[str, Any], sample: int | None = 100, threads: int = 2, progress: bool = False
) -> Iterator[FolderReport]:
    """One report for each entry of ``data``: train (source and target of a pair), val, test.

    Args:
        data: the section of a configuration.
        sample, threads, progress: see :func:`mmseg.toolbox.checking.own.check_dataset`.
    """
    for name, cfg, labelled, rare in _entries(data):
        report = FolderReport('as configured', f'data.{name}')
        try:
            dataset = build_dataset(changed_datasets(cfg, _without_pipeline), test_mode=True)
        except DataError as error:
            report.findings.append(Finding(str(error)))
            yield report
            continue
        report.class_names = tuple(dataset.CLASSES or ())
        for part in dict.fromkeys(dataset.parts()):
            found = check_dataset(part, part.img_dir, sample, labelled, threads, progress)
            found.findings += stale_counts(part, found) if rare else []
            report.splits.append(found)
        if rare:
            _check_rare(report, dataset, rare)
        yield report


def _check_rare(report: FolderReport, dataset: Any, rare: Mapping[str, Any]) -> None:
    """Would rare class sampling find what it needs?"""
    try:
        stats, files = source_statistics(dataset.parts())
        candidates(files, sampling_probabilities(stats, rare['class_temp'])[0], rare['min_pixels'])
    except DataError as error:
        report.findings.append(Finding(str(error)))
        return
    named = {class_id: [(str(i), count) for i, count in entries] for class_id, entries in files.items()}
    report.rare_classes = rare_classes(stats, named, rare['min_pixels'], rare['class_temp'])


def _without_pipeline(single: dict[str, Any]) -> dict[str, Any]:
    """The check reads files itself."""
    return {**single, 'pipeline': []}


def _entries(data: Mapping[str, Any]) -> Iterator[tuple[str, Any, bool, Mapping[str, Any] | None]]:
    """Name, configuration, whether labels are used, and rare class sampling; equal entries come once."""
    train = data.get('train')
    if isinstance(train, Mapping) and 'source' in train:
        yield 'train.source', train['source'], True, train.get(RARE)
        if train.get('labelled_target'):
            yield 'train.labelled_target', train['labelled_target'], True, train.get(RARE)
        if train.get('target'):
            yield 'train.target', train['target'], False, None
    elif train:
        yield 'train', train, True, None
    seen: list[Any] = []
    for name in ('val', 'test'):
        if data.get(name) and data[name] not in seen:
            seen.append(data[name])
            yield name, data[name], True, None
