"""One command for all programs: ``mmseg-uda NAME ...`` runs the file that ``python tools/NAME.py ...`` runs."""

import argparse
import os
import re
import shutil
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import NoReturn

from mmseg import __version__
from mmseg.arguments import COMMAND, SHORT, Parser
from mmseg.errors import UsageError, nearest
from mmseg.places import ROOT

CONVERT = 'convert'
HEAD = re.compile(r'(?:#!.*\n# |""")(.*)')
EPILOG = """Each program answers --help. What they show: docs/tools.md.

examples:
  mmseg-uda list configs
  mmseg-uda make-scenes data/builtin --layout builtin
  mmseg-uda config builtin_daformer --out mine.py
  mmseg-uda train mine.py

Completion of names and options by the shell (bash; for zsh and others see argcomplete):
  eval "$(register-python-argcomplete mmseg-uda)"
"""


def programs() -> dict[str, Path]:
    """Name -> file of every program; those that convert data sets have two words."""
    files = {path.stem.replace('_', '-'): path for path in (ROOT / 'tools').glob('*.py')}
    for path in (ROOT / 'tools' / 'convert_datasets').glob('*.py'):
        files[f'{CONVERT} {path.stem}'] = path
    files |= {name: ROOT / file for name, file in SHORT.items()}
    long = {path for name, path in files.items() if name in SHORT}
    return dict(sorted((name, path) for name, path in files.items() if name in SHORT or path not in long))


def find_program(words: Sequence[str]) -> tuple[str, Path]:
    """Name and file of the program that the words begin with.

    Raises:
        UsageError: there is none; tells the nearest.
    """
    known = programs()
    name = words[0].replace('_', '-') if words else ''
    if name == CONVERT:
        name = ' '.join((CONVERT, *words[1:2]))
    path = known.get(name) or ROOT / 'tools' / f'{name.replace("-", "_")}.py'
    if not name or not path.is_file():
        raise UsageError(f'{COMMAND}: there is no program {name!r}{nearest(name, known)}. --help lists them.')
    return name, path


def run_program(name: str, path: Path, arguments: Sequence[str]) -> None:
    """Run a program in this process as if it had been started by itself.

    Args:
        name: what messages and commands to go on call it.
        path: a Python file, or a script of the shell, which takes this process over.
        arguments: its command line.
    """
    if path.suffix == '.sh':
        os.environ.setdefault('PYTHON', sys.executable)
        shell = shutil.which('sh')
        if shell is None:
            raise UsageError(f'{COMMAND} {name} is a script of the shell, and there is no sh here.')
        os.execv(shell, ['sh', str(path), *arguments])
    sys.argv = [f'{COMMAND} {name}', *arguments]  # runpy would put the file in its place
    sys.path.insert(0, str(path.parent))
    loader = SourceFileLoader('__main__', str(path))
    spec = spec_from_loader('__main__', loader)
    assert spec is not None
    sys.modules['__main__'] = module = module_from_spec(spec)
    loader.exec_module(module)


def main() -> NoReturn:
    """Run what the command line names."""
    words = _finished_words() if '_ARGCOMPLETE' in os.environ else sys.argv[1:]
    if not words or words[0].startswith('-'):
        sys.argv[0] = COMMAND
        _parser().parse_args(words)
    try:
        name, path = find_program(words)
    except UsageError as error:
        sys.stderr.write(f'{error}\n')
        sys.exit(error.exit_code)
    count = len(name.split())
    os.environ.update({'_ARGCOMPLETE': str(1 + count)} if '_ARGCOMPLETE' in os.environ else {})
    run_program(name, path, words[count:])
    sys.exit(0)


def _finished_words() -> list[str]:
    """Words of the line that the shell completes, without the command and the last one, which is being typed."""
    line = os.environ['COMP_LINE'][: int(os.environ['COMP_POINT'])]
    words = line.split(' ')[1:-1]
    return [] if words[:1] == [CONVERT] and len(words) < 2 else [word for word in words if word]


def _parser() -> Parser:
    """The command line without a program."""
    known = programs()
    width = max(map(len, known))
    table = '\n'.join(f'  {name:{width}}  {_headline(path)}' for name, path in known.items())
    parser = Parser(
        'Unsupervised domain adaptation for semantic segmentation: one command for all programs.',
        f'programs:\n{table}\n\n{EPILOG}',
    )
    parser.add_argument('--version', action='version', version=f'{COMMAND} {__version__}')
    names = parser.add_argument('program', metavar='PROGRAM', help='one of those below')
    rest = parser.add_argument('arguments', nargs=argparse.REMAINDER, help='its own command line')
    vars(names)['completer'] = lambda **_: sorted({name.split()[0] for name in known})
    vars(rest)['completer'] = lambda **_: [
        name.split()[1] for name in known if name.startswith(f'{CONVERT} ')
    ]
    return parser


def _headline(path: Path) -> str:
    """The first sentence of a program."""
    found = HEAD.match(path.read_text(encoding='utf-8'))
    return found[1].rstrip('"') if found else ''
