"""How programs are told a trained network: configuration and weights, or the folder of a run.

Nothing here takes torch before a folder is named, see :mod:`mmseg.arguments`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn


def add_trained(parser: argparse.ArgumentParser) -> None:
    """Add the positions ``config`` and ``checkpoint``; :func:`parse_trained` completes them."""
    parser.add_argument(
        'config',
        help='configuration file, Python or JSON, or the folder of a run: its own, with its newest weights',
    )
    parser.add_argument(
        'checkpoint', nargs='?',
        help='weights: of a training run, published, or of a plain network; of a run whose folder is named, instead of '
        'the newest',
    )  # fmt: skip


def parse_positions(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, list[str]]:
    """The arguments of this call, and the positions behind an option that argparse has no place for.

    It ends a position of any number of words, or of none, at the first option; what follows the option is left over.

    Raises:
        SystemExit: they do not fit the parser.
    """
    args, left = parser.parse_known_args()
    if any(word.startswith('-') for word in left):
        refuse(parser, left)
    return args, left


def refuse(parser: argparse.ArgumentParser, words: Sequence[str]) -> NoReturn:
    """End the program as argparse does for words that it does not know."""
    parser.error(f'unrecognized arguments: {" ".join(words)}')


def parse_trained(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments of this call; those of a run whose folder is named have its configuration and checkpoint.

    Raises:
        SystemExit: they do not fit the parser, or a configuration is named without a checkpoint.
        UsageError: the folder has no configuration, or several.
        CheckpointError: it has no checkpoint, or only damaged ones.
    """
    args, left = parse_positions(parser)
    if args.checkpoint is None and left:
        args.checkpoint = left.pop(0)
    if left:
        refuse(parser, left)
    if Path(args.config).is_dir():
        from mmseg.toolbox.prediction.runs import find_run

        args.config, args.checkpoint = find_run(args.config, args.checkpoint)
    elif args.checkpoint is None:
        parser.error(f'{args.config} is no folder of a run; after a configuration the checkpoint is needed')
    return args
