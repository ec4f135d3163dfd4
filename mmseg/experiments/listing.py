"""The list of experiments for people and machines."""

from itertools import groupby
from typing import Any

from prettytable import PrettyTable

from mmseg.experiments import TABLE, available_rows
from mmseg.experiments.generate import compose_all
from mmseg.experiments.rows import Experiment


def describe_experiments() -> list[dict[str, Any]]:
    """One entry an id that has at least one run: id, paper, table, title, runs, published mIoU, names."""
    entries = [_entry(experiment) for experiment in TABLE.values()]
    return [entry for entry in entries if entry['runs']]


def experiment_table() -> str:
    """The same as text, grouped by paper."""
    blocks = []
    for paper, entries in groupby(describe_experiments(), key=lambda entry: entry['paper']):
        table = PrettyTable(['id', 'table', 'what', 'runs', 'published mIoU'])
        table.align = 'l'
        table.add_rows(
            [[e['id'], e['table'], e['title'], _runs(e), e['published_miou'] or '-'] for e in entries]
        )
        blocks.append(f'{paper}\n{table}')
    note = 'Runs in brackets: published number, where networks or data sets of some rows are not part of this version.'
    return '\n\n'.join([*blocks, note])


def _entry(experiment: Experiment) -> dict[str, Any]:
    names = [cfg['name'] for cfg in compose_all(experiment, available_rows(experiment))]
    return {
        'id': experiment.id,
        'paper': experiment.paper,
        'table': experiment.table,
        'title': experiment.title,
        'runs': len(names),
        'published_runs': sum(len(row.seeds) for row in experiment.rows),
        'published_miou': experiment.published,
        'names': names,
    }


def _runs(entry: dict[str, Any]) -> str:
    part, whole = entry['runs'], entry['published_runs']
    return str(part) if part == whole else f'{part} ({whole})'
