"""docs/model-zoo.md lists everything that can be trained, and tells what was run from the files of results alone."""

from pathlib import Path

import pytest

from docs.making import zoo
from mmseg.config.shipped import shipped_configs
from mmseg.fileio import read_json
from mmseg.toolbox.experiments.table import TABLE

PAGE = zoo.PAGE.read_text(encoding='utf-8')
ROWS = {line.split(']')[0].removeprefix('| ['): line for line in PAGE.splitlines() if line.startswith('| [')}


def test_the_page_is_what_the_files_say() -> None:
    assert zoo.filled(PAGE) == PAGE, 'make docs writes the page'


def test_everything_is_listed_and_says_whether_it_was_run() -> None:
    assert ROWS.keys() == shipped_configs().keys()
    assert all(('run here' in row) != (zoo.NOT_RUN in row) for row in ROWS.values())
    ids = [
        line.split(' | ')[0].removeprefix('| ') for line in PAGE.partition('## Experiments')[2].splitlines()
    ]
    assert set(TABLE) <= set(ids)


def test_no_result_is_forgotten() -> None:
    """A method in results.json without a configuration here would be 'not run' on the page."""
    measured = {run['method'] for run in read_json(zoo.DOCS / 'results.json')['runs']}
    assert measured - set(zoo.METHODS.values()) == {'DIDA published, bank filled by itself'}
    titles = {run['title'] for run in read_json(zoo.DOCS / 'screening.json')}
    assert set(zoo.SCREENED.values()) <= titles


def test_published_settings_were_not_run() -> None:
    """Their data could not be had."""
    assert all(zoo.NOT_RUN in row for name, row in ROWS.items() if not name.startswith('demo/'))


def test_what_was_run_is_what_is_stored() -> None:
    run = {'method': 'DACS', 'seed': 0, 'student': 40.36, 'teacher': 41.2}
    runs = [run, {**run, 'seed': 1, 'student': 42.36}]
    name = 'demo/procstreet2camvid_dacs'
    assert zoo.here(name, runs[:1], []) == 'run here: student 40.4, teacher 41.2 (1 seed)'
    assert zoo.here(name, runs, []) == 'run here: student 41.4 ± 1.4, teacher 41.2 ± 0.0 (2 seeds)'
    with pytest.raises(LookupError, match='none of its runs'):
        zoo.here(name, [], [])
    assert zoo.here('hrda/gtaHR2csHR_hrda', runs, []) == zoo.NOT_RUN


def test_first_sentences(tmp_path: Path) -> None:
    file = tmp_path / 'x.py'
    file.write_text("# One thing, on\n# two lines. And more.\n_base_ = ['y.py']\n# Not this.\n")
    assert zoo.first_line(file) == 'One thing, on two lines'


def test_the_front_page_has_published_and_measured_scores_side_by_side() -> None:
    text = zoo.FRONT_PAGE.read_text(encoding='utf-8')
    assert zoo.front(text) == text, 'make docs writes the table'
    rows = [line for line in text.splitlines() if line.startswith('| ')][1:]
    assert len(rows) == len(zoo.FRONT)
    published = [cells[2] for cells in (row.split(' | ') for row in rows) if cells[1] != '-']
    assert published == [zoo.NOT_RUN] * 4
