"""The list of experiments for people and machines."""

from itertools import groupby
from typing import Any

from prettytable import PrettyTable

from mmseg.experiments import TABLE
from mmseg.experiments.generate import compose_all
from mmseg.experiments.rows import Experiment


def describe_experiments() -> list[dict[str, Any]]:
    """One entry an id: id, paper, table, title, runs, published mIoU, names."""
    return [_entry(experiment) for experiment in TABLE.values()]


def experiment_table() -> str:
    """The same as text, grouped by paper."""
    blocks = []
    for paper, entries in groupby(describe_experiments(), key=lambda entry: entry['paper']):
        table = PrettyTable(['id', 'table', 'what', 'runs', 'published mIoU'])
        table.align = 'l'
        table.add_rows(
            [[e['id'], e['table'], e['title'], e['runs'], e['published_miou'] or '-'] for e in entries]
        )
        blocks.append(f'{paper}\n{table}')
    return '\n\n'.join(blocks)


def _entry(experiment: Experiment) -> dict[str, Any]:
    names = [cfg['name'] for cfg in compose_all(experiment)]
    return {
        'id': experiment.id,
        'paper': experiment.paper,
        'table': experiment.table,
        'title': experiment.title,
        'runs': len(names),
        'published_miou': experiment.published,
        'names': names,
    }
