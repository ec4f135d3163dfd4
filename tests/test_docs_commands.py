"""Commands of the pages name programs that there are, with options that these know."""

import re
from collections.abc import Iterator

import pytest

from mmseg.programs import programs
from tests.test_cli_help import help_of
from tests.test_docs import PAGES, ROOT

COMMAND = re.compile(
    r'(?:python (?P<file>(?:tools|demo)/[\w/]+\.py|run_experiments\.py)|mmseg-uda (?P<name>[a-z][a-z-]+))'
    r'(?P<words>(?:\\\n|[^\n`|;#&])*)'
)
OPTION = re.compile(r'(?<![\w-])--[a-z][\w-]*')


def commands() -> Iterator[tuple[str, str, str, str]]:
    """Page, the command as it is written, the program's file, its words."""
    known = programs()
    for page, text in PAGES.items():
        for found in COMMAND.finditer(text):
            file = found['file']
            if found['name'] in known:
                file = str(known[found['name']].resolve().relative_to(ROOT.resolve()))
            if file is not None and file.endswith('.py') and file != 'tools/NAME.py':
                yield page, found[0], file, found['words']


FILES = sorted({file for _, _, file, _ in commands()})


def test_the_pages_have_commands() -> None:
    assert len(FILES) > 20
    assert len(list(commands())) > 200


@pytest.mark.parametrize('file', FILES)
def test_programs_know_the_options(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = set(OPTION.findall(help_of(file, monkeypatch, capsys))) | {'--help'}
    wrong = [
        f'{page}: {command.strip()}: {option}'
        for page, command, program, words in commands()
        if program == file
        for option in OPTION.findall(words)
        if option not in known
    ]
    assert not wrong, '\n' + '\n'.join(wrong)
