"""The command line of a program: quick to make, readable help, completed by the shell.

Nothing here takes torch, so that ``--help``, mistakes and the completion of a word are answered at once.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

COMMAND = 'mmseg-uda'
SCRIPT = re.compile(r'\bpython (?:tools|demo)/[\w/]+\.py|\bpython run_experiments\.py|(?<= )tools/train\.py')


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
    """Examples of this program with the words that called it in place of ``python FILE``."""
    words = sys.argv[0]
    if not words.startswith(f'{COMMAND} '):
        return text
    return SCRIPT.sub(
        lambda found: words if found[0].startswith('python') else f'-m mmseg {words.split()[1]}', text
    )
