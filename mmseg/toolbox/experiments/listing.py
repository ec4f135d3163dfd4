"""The list of experiments for people and machines."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from prettytable import PrettyTable

from mmseg.toolbox.experiments import TABLE
from mmseg.toolbox.experiments.generate import compose_all
from mmseg.toolbox.experiments.rows import Experiment


def describe_experiments() -> list[dict[str, Any]]:
    """One entry an id: id, paper, table, title, number of runs, published mIoU in percent by setting, names of runs."""
    return [_entry(experiment) for experiment in TABLE.values()]


def experiment_table() -> str:
    """The same as text, grouped by paper."""
    blocks = []
    for paper, entries in groupby(describe_experiments(), key=lambda entry: entry['paper']):
        table = PrettyTable(['id', 'table', 'what', 'runs', 'published mIoU'])
        table.align = 'l'
        table.add_rows(
            [[e['id'], e['table'], e['title'], e['runs'], _published(e['published_miou'])] for e in entries]
        )
        blocks.append(f'{paper}\n{table}')
    return '\n\n'.join(blocks)


def _published(scores: Mapping[str, float]) -> str:
    return '; '.join(f'{setting} {score}' for setting, score in scores.items()) or '-'


def _entry(experiment: Experiment) -> dict[str, Any]:
    names = [cfg['name'] for cfg in compose_all(experiment)]
    return {
        'id': experiment.id,
        'paper': experiment.paper,
        'table': experiment.table,
        'title': experiment.title,
        'runs': len(names),
        'published_miou': {name: published.score for name, published in experiment.published.items()},
        'names': names,
    }
