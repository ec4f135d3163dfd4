"""Pages for users name what there is, and all of it."""

import re
from pathlib import Path

import pytest

from mmseg.programs import programs
from tests.test_style import tracked

ROOT = Path(__file__).resolve().parents[1]
PAGES = {path.name: path.read_text() for path in [ROOT / 'README.md', *(ROOT / 'docs').glob('*.md')]}
NAMED = re.compile(r'`([\w/]+\.(?:py|sh|jpg)|(?:mmseg|configs)/[\w/]*/)`')


def test_every_program_is_documented() -> None:
    text = '\n'.join(PAGES.values())
    assert not [name for name, path in programs().items() if path.stem not in text and name not in text]


def test_what_the_page_for_other_projects_names_is_there() -> None:
    """In the columns of this project; the first is that of the others."""
    rows = [line.split('|')[2:] for line in PAGES['migrate.md'].splitlines() if line.startswith('| ')]
    named = {name for row in rows for cell in row for name in NAMED.findall(cell)}
    files = [f'/{path.as_posix()}' for path in tracked()]
    assert len(named) > 20
    assert not [name for name in named if not any(f'/{name}' in file for file in files)]


@pytest.mark.parametrize('page', ['README.md', 'migrate.md', 'tools.md'])
def test_commands_of_the_one_program_exist(page: str) -> None:
    called = re.findall(r'mmseg-uda ([a-z][a-z-]+)( [a-z]+)?', PAGES[page])
    known = programs()
    assert called
    assert not [words for words in called if words[0] not in known and ''.join(words) not in known]
