"""What a report shows of networks and data besides their scores: predictions, class frequencies, banks."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmseg.config import load_config
from mmseg.datasets import UDADataset, build_dataset
from mmseg.datasets.files import spread
from mmseg.engine.build import to_dict
from mmseg.engine.checkpoint import find_latest
from mmseg.errors import UserError
from mmseg.fileio import read_image
from mmseg.toolbox.prediction.inference import inference_model, inference_scales, init_model
from mmseg.toolbox.preparation.class_use import delivered_use, stored_use
from mmseg.toolbox.reports.bank_view import BankView, bank_view, find_bank
from mmseg.toolbox.reports.details import Delivered
from mmseg.toolbox.reports.examples import worst_choice
from mmseg.toolbox.reports.facts import find_config
from mmseg.toolbox.reports.grid import PictureRow
from mmseg.toolbox.reports.results import RunResult
from mmseg.toolbox.reports.run_folders import RunFolder
from mmseg.toolbox.reports.scales import ScalePanel

Network = tuple[RunFolder, RunResult]

PREDICTED = 6
"""Networks that a page shows predictions of at most."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examples:
    """Pictures of the test set with what the runs predict.

    Attributes:
        rows: spread over the test set, with the predictions of all networks.
        worst: the worst picture of each class, with all predictions.
        worst_of: the network that they are the worst of.
        scales: by run title, ``rows`` as runs of two resolutions see them.
        dataset: the test set.
    """

    rows: list[PictureRow]
    worst: list[PictureRow]
    worst_of: str
    scales: dict[str, list[ScalePanel]]
    dataset: Any


def chosen_networks(networks: Sequence[Network]) -> list[Network]:
    """Those that are predicted: tested ones, of many the first and the best of the others, in the given order."""
    tested = [(run, result) for run, result in networks if run.results]
    if len(tested) <= PREDICTED:
        return tested
    others = sorted(tested[1:], key=_goodness, reverse=True)
    kept = [result.title for _, result in [tested[0], *others[: PREDICTED - 1]]]
    return [(run, result) for run, result in tested if result.title in kept]


def best_network(networks: Sequence[Network]) -> Network | None:
    """The one with the highest mean IoU; None of none."""
    return max(networks, key=_goodness, default=None)


def _goodness(network: Network) -> float:
    miou = network[1].miou
    return -math.inf if math.isnan(miou) else miou


def find_examples(networks: Sequence[Network], count: int, worst: bool = True) -> Examples:
    """Predictions of every network for pictures of the test set of the first one.

    Args:
        networks: tested ones, at least one.
        count: pictures spread evenly over the test set.
        worst: also the worst picture of each class, of the best network whose test has kept them.
    """
    dataset = build_dataset(
        to_dict(load_config(find_config(networks[0][0].folder)))['data']['test'], test_mode=True
    )
    indices = spread(len(dataset), count) if count else []
    titles = {index: dataset.picture_file(index).stem for index in indices}
    best = best_network([one for one in networks if one[1].worst and worst])
    headings = worst_choice(best[1]) if best else {}
    wanted = [*titles.items(), *((i, title) for i, title in headings.items() if i < len(dataset))]
    rows = [_row(dataset, index, title) for index, title in wanted]
    files = [dataset.picture_file(index) for index, _ in wanted]
    table = dataset.class_merge.table() if dataset.class_merge else np.arange(256, dtype=np.uint8)
    scales: dict[str, list[ScalePanel]] = {}
    for run, result in networks:
        panels = _predict(run, result, rows, files, table)
        if panels:
            scales[result.title] = panels[: len(indices)]
    return Examples(
        rows[: len(indices)], rows[len(indices) :], best[1].title if best else '', scales, dataset
    )


def _row(dataset: Any, index: int, title: str) -> PictureRow:
    image = np.ascontiguousarray(read_image(dataset.picture_file(index))[..., ::-1])
    return PictureRow(title, image, {}, dataset.get_gt_seg_map(index))


def _predict(
    run: RunFolder, result: RunResult, rows: list[PictureRow], files: Sequence[Path], table: Any
) -> list[ScalePanel]:
    """Add what a network predicts to ``rows``; returns how it came about where the network has two resolutions."""
    model = init_model(load_config(find_config(run.folder)), find_latest(run.folder), None, result.network)
    panels = []
    for number, (file, row) in enumerate(zip(files, rows, strict=True)):
        maps = inference_scales(model, file)
        fused = table[maps['fused'] if maps else inference_model(model, file)]
        rows[number] = replace(row, predictions={**row.predictions, result.title: fused})
        if maps:
            context, detail = table[maps['context']], table[maps['detail']]
            panels.append(
                ScalePanel(row.title, row.image, context, detail, maps['attention'], fused, row.truth)
            )
    return panels


def scored_legend(dataset: Any) -> dict[str, Any]:
    """Names and colours of the classes that are scored, as arguments of the report."""
    merge = dataset.class_merge
    if merge is None:
        return {'palette': dataset.PALETTE, 'class_names': dataset.CLASSES}
    names = [dataset.CLASSES[i] if i in merge.classes else '' for i in range(len(dataset.CLASSES))]
    for i, name in zip(merge.classes, merge.names, strict=True):
        names[i] = name
    return {'palette': dataset.PALETTE, 'class_names': names}


def find_delivered(run: RunFolder, samples: int) -> Delivered:
    """Class frequencies in the labels of the first ``samples`` samples that the training of a run was given.

    They are drawn again: a sample depends on the seed and its number alone.

    Raises:
        UserError: there is no configuration, or its data are not here.
    """
    values = to_dict(load_config(find_config(run.folder)))
    dataset = build_dataset(values['data']['train'])
    seed = int(run.meta.get('seed', values.get('seed') or 0))
    source = dataset.source if isinstance(dataset, UDADataset) else dataset
    note = f'the first {samples} samples of “{run.title}”, drawn again'
    return Delivered(
        stored_use(source),
        delivered_use('delivered', dataset, seed, 0, samples),
        list(dataset.CLASSES),
        note,
    )


def find_banks(runs: Sequence[RunFolder], names: Sequence[str]) -> dict[str, BankView]:
    """The banks of the runs that have one, by run title."""
    found = {run.title: find_bank(run) for run in runs}
    return {title: bank_view(*bank, names) for title, bank in found.items() if bank is not None}


def as_far_as_there(what: str, find: Callable[[], Any], problems: list[str]) -> Any:
    """What ``find`` returns; None, and a line in ``problems``, where an error of the user says that it is not there."""
    try:
        return find()
    except UserError as error:
        problems.append(f'Not shown: {what}. {error}')
        return None
