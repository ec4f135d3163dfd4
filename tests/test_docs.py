"""Pages for users name what there is, and all of it."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from docs.making.reference import components
from mmseg import errors
from mmseg.config import schema
from mmseg.datasets.presets import PRESETS
from mmseg.option_types import parameters
from mmseg.programs import programs
from mmseg.registry import DATASETS, MODELS, PARTS, TRANSFORMS, Registry
from mmseg.toolbox.experiments.table import TABLE
from tests.test_style import tracked

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    path.name: path.read_text(encoding='utf-8')
    for path in [ROOT / 'README.md', *(ROOT / 'docs').glob('*.md')]
}
CODE = re.compile(r'`([^`\n]+)`|^### (.+)$', re.MULTILINE)
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


@pytest.mark.parametrize(
    'registry', [MODELS, PARTS, DATASETS, TRANSFORMS], ids=lambda registry: registry.name
)
def test_every_component_and_each_of_its_keys_is_documented(registry: Registry) -> None:
    found = components(registry)
    keys = {key for kind in found.values() for key in parameters(kind)[0]} - {'model', 'max_iters'}
    assert keys
    assert not missing(found)
    assert not missing(keys)


def test_every_plain_key_and_preset_is_documented() -> None:
    """Those without effect, too."""
    names = {*schema.TOP_LEVEL, *schema.UNUSED_TOP_LEVEL, *PRESETS}
    for keys in (*schema.SECTIONS.values(), *schema.UNUSED.values()):
        names |= keys
    assert not missing(names)


def test_every_kind_of_error_is_documented() -> None:
    kinds = [
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.UserError)
    ]
    assert len(kinds) > 5
    assert not missing(kinds)


def test_every_experiment_is_documented() -> None:
    """In the first column of the table of ids, which has ranges."""
    _, _, rows = PAGES['experiments.md'].partition('| ids | paper |')
    told = set()
    for row in rows.partition('\n\n')[0].splitlines()[2:]:
        for entry in row.split('|')[1].replace('`', '').split(','):
            ends = re.fullmatch(r' *(\d+)(?:-| to )(\d+) *', entry)
            told |= {str(i) for i in range(int(ends[1]), int(ends[2]) + 1)} if ends else {entry.strip()}
    assert told == set(TABLE)


def missing(names: Iterable[str]) -> list[str]:
    """Names that no page has as a word in code, in a heading or with dots before it."""
    words = {
        word
        for text in PAGES.values()
        for code in CODE.findall(text)
        for word in re.findall(r'\w+', ' '.join(code))
    }
    return sorted(set(names) - words)
