"""The tables of docs/results.md from docs/results.json, and any tables of a page between their marks."""

import re
import statistics
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from mmseg.errors import DataError
from mmseg.fileio import atomic_write, read_json
from mmseg.toolbox.experiments.collection import markdown_table, with_spread
from mmseg.toolbox.experiments.table import find_experiment

REFERENCE = 'source only'
"""Method that the others are compared with, seed by seed."""

NETWORKS = ('student', 'teacher')
MARK = re.compile(r'<!-- results ([\w -]+) -->')
END = '<!-- end -->\n'

Runs = Sequence[Mapping[str, Any]]


def read_results(path: Path) -> dict[str, str]:
    """The tables that a file of results gives, by name.

    Args:
        path: JSON with ``runs`` (mIoU in percent of single runs: method, seed, student, teacher or null, commit),
            ``published`` (rows about published benchmarks) and ``tables`` (heads and rows of all others; a cell is a
            text, a number or [mean, sample standard deviation]).

    Raises:
        DataError: it cannot be read or lacks entries.
    """
    content = read_json(path)
    try:
        return {
            'methods': _methods(content['runs']),
            'runs': _single_runs(content['runs']),
            'published': _published(content['published']),
            **{name: _as_stored(table) for name, table in content['tables'].items()},
        }
    except (LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f'{path}: expected runs, published and tables as docs/results.json has them ({error}).'
        ) from error


def write_results(page: Path, path: Path) -> None:
    """Write the tables of a file of results into a page that has marks for them.

    Raises:
        DataError: the page has marks for others.
    """
    text = page.read_text(encoding='utf-8')
    wanted = MARK.findall(text)
    tables = read_results(path) if wanted else {}
    for name in wanted:
        if name not in tables:
            raise DataError(f'{page}: {path} has no table {name!r}; expected one of {", ".join(tables)}.')
        text = replaced(text, f'<!-- results {name} -->', tables[name], page)
    with atomic_write(page) as temporary:
        Path(temporary).write_text(text, encoding='utf-8')


def replaced(text: str, mark: str, table: str, page: Path) -> str:
    """A text with another table between the line of a mark and the next end.

    Raises:
        DataError: there is no such pair of lines.
    """
    head, found, rest = text.partition(f'{mark}\n')
    _, end, tail = rest.partition(END)
    if not found or not end:
        raise DataError(f'{page}: expected the lines "{mark}" and "{END.strip()}" around a table.')
    return head + found + table + end + tail


def _methods(runs: Runs) -> str:
    """Mean and spread of each method, and what it gains over :data:`REFERENCE` with the same seeds."""
    heads = ['method', 'seeds', *NETWORKS, *(f'{network} minus {REFERENCE}' for network in NETWORKS)]
    reference = {run['seed']: _exact(run['student']) for run in runs if run['method'] == REFERENCE}
    rows = []
    for method in dict.fromkeys(run['method'] for run in runs):
        own = [run for run in runs if run['method'] == method]
        scores = {network: [run[network] for run in own if run[network] is not None] for network in NETWORKS}
        gains = {
            network: [
                _exact(run[network]) - reference[run['seed']] for run in own if run[network] is not None
            ]
            for network in NETWORKS
            if method != REFERENCE
        }
        seeds = ', '.join(str(run['seed']) for run in own)
        means = [_mean(scores[network]) for network in NETWORKS]
        rows.append([method, seeds, *means, *(_gain(gains.get(network, [])) for network in NETWORKS)])
    return markdown_table(heads, rows)


def _mean(scores: Sequence[float]) -> str:
    if not scores:
        return '-'
    return with_spread(statistics.fmean(scores), statistics.stdev(scores) if len(scores) > 1 else None)


def _exact(score: float) -> Decimal:
    """The two decimals that are stored: differences of binary fractions would be rounded to either side."""
    return Decimal(str(score))


def _gain(gains: Sequence[Decimal]) -> str:
    """Mean gain, and in brackets those of single seeds."""
    if not gains:
        return ''
    single = f' ({", ".join(f"{gain:+.1f}" for gain in gains)})' if len(gains) > 1 else ''
    return f'{statistics.fmean(gains):+.1f}{single}'


def _single_runs(runs: Runs) -> str:
    def score(value: float | None) -> str:
        return '-' if value is None else f'{value:.2f}'

    rows = [
        [
            f'{run["method"]}, seed {run["seed"]}',
            *(score(run[network]) for network in NETWORKS),
            run['commit'],
        ]
        for run in runs
    ]
    return markdown_table(['run', *NETWORKS, 'commit'], rows)


def _published(rows: Sequence[Mapping[str, Any]]) -> str:
    """Published values are those of the experiments, where there is one."""

    def score(row: Mapping[str, Any]) -> float:
        if 'experiment' in row:
            return find_experiment(row['experiment']).published[row['published_as']].score
        return float(row['published'])

    cells = [[row['configuration'], f'{score(row):.1f}', row['here']] for row in rows]
    return markdown_table(['configuration', 'published', 'here'], cells)


def _as_stored(table: Mapping[str, Any]) -> str:
    """A table whose cells are stored; rows that begin with one of its ``bold`` names are bold."""
    bold = table.get('bold', ())
    rows = [
        [f'**{_cell(value)}**' if row[0] in bold else _cell(value) for value in row] for row in table['rows']
    ]
    return markdown_table(table['heads'], rows)


def _cell(value: Any) -> str:
    return f'{value[0]} ± {value[1]}' if isinstance(value, list) else str(value)
