"""The command line of a program: quick to make, readable help, completed by the shell.

Nothing here takes torch, so that ``--help``, mistakes and the completion of a word are answered at once.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from mmseg.places import INSTALLED

COMMAND = 'mmseg-uda'
SHORT = {
    'check': 'tools/check_data.py',
    'config': 'tools/copy_config.py',
    'demo': 'demo/image_demo.py',
    'download': 'tools/download_checkpoints.sh',
    'experiments': 'run_experiments.py',
    'list': 'tools/list_names.py',
}
"""Names of programs that are not those of their files."""

FILE = re.compile(
    r'(?P<start>python |sh |torchrun (?:.* )?)?'
    r'(?<![\w/.-])(?P<file>(?:tools|demo)/[\w/]+\.(?:py|sh)|run_experiments\.py)'
)
"""A program as texts for a checkout name it; not one below another folder."""


class Parser(argparse.ArgumentParser):
    """A command line whose description and examples keep their lines.

    Args:
        description: what the program does.
        epilog: examples, for a checkout; a program that was called as ``mmseg-uda NAME`` shows them so.
    """

    def __init__(self, description: str, epilog: str = '') -> None:
        super().__init__(
            description=as_called(description),
            epilog=as_called(epilog),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """See argparse; where the shell asks for completions, print them and leave."""
        if '_ARGCOMPLETE' in os.environ:
            import argcomplete

            argcomplete.autocomplete(self)
        return super().parse_args(args, namespace)


def as_called(text: str) -> str:
    """A text for a checkout as somebody reads it who calls programs as ``mmseg-uda NAME``."""
    return FILE.sub(_as_command, text) if called_by_name() else text


def called_by_name() -> bool:
    """Whether programs are ``mmseg-uda NAME``: this one was called so, or there is no checkout with their files."""
    return sys.argv[0].startswith(f'{COMMAND} ') or INSTALLED.is_dir()


def _as_command(found: re.Match[str]) -> str:
    start, file = found['start'] or '', found['file']
    named = {path: name for name, path in SHORT.items()}
    folder, _, stem = file.rpartition('.')[0].rpartition('/')
    name = (
        named.get(file)
        or f'{"convert " if folder.endswith("convert_datasets") else ""}{stem.replace("_", "-")}'
    )
    return f'{start}-m mmseg {name}' if start.startswith('torchrun') else f'{COMMAND} {name}'
