"""Tables of pages from JSON."""

import json
import statistics
from pathlib import Path

import pytest

from mmseg.errors import DataError
from mmseg.toolbox.experiments import TABLE
from mmseg.toolbox.experiments.result_tables import read_results, write_results
from mmseg.toolbox.experiments.screening import read, tables

DOCS = Path(__file__).resolve().parents[3] / 'docs'
CONTENT = {
    'runs': [
        {'method': 'source only', 'seed': 0, 'student': 30.0, 'teacher': None, 'commit': 'a'},
        {'method': 'source only', 'seed': 1, 'student': 32.0, 'teacher': None, 'commit': 'a'},
        {'method': 'mine', 'seed': 1, 'student': 33.0, 'teacher': 34.26, 'commit': 'b'},
        {'method': 'mine', 'seed': 0, 'student': 35.0, 'teacher': 36.0, 'commit': 'c'},
    ],
    'published': [
        {'configuration': 'x', 'experiment': '6', 'published_as': 'daformer_sepaspp', 'here': '1.0'}
    ],
    'tables': {'other': {'heads': ['a', 'b'], 'bold': ['mean'], 'rows': [['car', [1.0, 0.5]], ['mean', 2]]}},
}


def write(folder: Path, content: object) -> Path:
    (folder / 'results.json').write_text(json.dumps(content))
    return folder / 'results.json'


def test_tables(tmp_path: Path) -> None:
    tables = read_results(write(tmp_path, CONTENT))
    methods = tables['methods'].splitlines()
    assert methods[2] == '| source only | 0, 1 | 31.0 ± 1.4 | - |  |  |'
    assert methods[3] == '| mine | 1, 0 | 34.0 ± 1.4 | 35.1 ± 1.2 | +3.0 (+1.0, +5.0) | +4.1 (+2.3, +6.0) |'
    assert tables['runs'].splitlines()[4] == '| mine, seed 1 | 33.00 | 34.26 | b |'
    assert tables['published'].splitlines()[2] == '| x | 68.3 | 1.0 |'
    assert tables['other'].splitlines()[2:] == ['| car | 1.0 ± 0.5 |', '| **mean** | **2** |']


def test_a_page_gets_the_tables_it_has_marks_for(tmp_path: Path) -> None:
    page = tmp_path / 'page.md'
    page.write_text('a\n<!-- results other -->\nold\n<!-- end -->\nb\n')
    write_results(page, write(tmp_path, CONTENT))
    assert page.read_text().splitlines()[2] == '| a | b |'
    assert page.read_text().startswith('a\n<!-- results other -->\n')
    assert page.read_text().endswith('| **mean** | **2** |\n<!-- end -->\nb\n')
    page.write_text('<!-- results none -->\n<!-- end -->\n')
    with pytest.raises(DataError, match="no table 'none'; expected one of methods, runs, published, other"):
        write_results(page, write(tmp_path, CONTENT))
    page.write_text('<!-- results other -->\n')
    with pytest.raises(DataError, match='expected the lines'):
        write_results(page, write(tmp_path, CONTENT))


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='expected runs, published and tables'):
        read_results(write(tmp_path, {'runs': [{}], 'published': [], 'tables': {}}))


def test_the_tables_of_the_page_are_those_of_the_collected_results() -> None:
    """Every table of docs/results.md; `python tools/screening.py` writes them again."""
    text = (DOCS / 'results.md').read_text()
    entries = read(DOCS / 'screening.json')
    expected = {f'results {name}': table for name, table in read_results(DOCS / 'results.json').items()}
    expected |= tables(entries)
    shown = {}
    for part in text.split('<!-- end -->\n')[:-1]:
        before, _, rest = part.rpartition('<!-- ')
        name, _, shown_table = rest.partition(' -->\n')
        shown[name] = shown_table
        assert '\n|' not in before, f'a table without a mark before {name}'
    assert '\n|' not in text.rpartition('<!-- end -->\n')[2]
    assert shown == expected


def test_the_experiments_know_what_the_page_has() -> None:
    """Means over the seeds, which `tools/reproduce.py` shows beside new ones."""
    names = {
        'source_only': 'source only', 'dacs': 'DACS', 'daformer': 'DAFormer', 'hrda': 'HRDA',
        'dida': 'DIDA published, bank filled by itself', 'dida_clean': 'DIDA clean',
        'hrda_dida': 'HRDA + DIDA clean', 'target_only': 'target only (oracle)',
    }  # fmt: skip
    runs = json.loads((DOCS / 'results.json').read_text())['runs']
    known = {
        title: value.score for exp in ('200', '201', '202') for title, value in TABLE[exp].published.items()
    }
    expected = {}
    for method, title in names.items():
        for network in ('student', 'teacher'):
            scores = [run[network] for run in runs if run['method'] == title and run[network] is not None]
            if scores:
                expected[f'{method}, {network}'] = float(f'{statistics.fmean(scores):.1f}')
    assert known == expected
