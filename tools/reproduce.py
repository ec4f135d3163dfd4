"""Make a table of a paper again: what it needs and costs, its runs, its numbers beside the published ones."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser, as_called
from mmseg.cli import run_lasting
from mmseg.machines import add_places, place_words
from mmseg.processes import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmseg.toolbox.experiments.reproduction import Part

EXAMPLES = """examples:
  python tools/reproduce.py procstreet --list
  python tools/reproduce.py procstreet methods --gpus 0 --jobs 2 --no-check
  python tools/reproduce.py daformer 6 --gpus 4 --no-check

Without --run nothing is trained: the commands, the cost, what is missing, and the numbers that there are by now.

"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Reproduce a table: check data and weights, print commands, hours and disk; with --run train all '
        'runs and\ncollect mean and spread over the seeds beside the published value.',
        epilog=EXAMPLES + EXIT_CODES,
    )
    parser.add_argument(
        'paper', metavar='PAPER', help="daformer, hrda, dida, mic, or procstreet: this project's own"
    )
    parser.add_argument('table', nargs='?', metavar='TABLE',
                        help='number of the table, figure-4, or id of an experiment; see --list')  # fmt: skip
    parser.add_argument('--list', action='store_true', help='list the tables of the paper and leave')
    parser.add_argument('--run', action='store_true', help='train the runs, or submit them')
    parser.add_argument('--resume', action='store_true', help='with --run: go on where each run stopped')
    parser.add_argument('--no-check', action='store_true', help='do not look at data and weights first')
    parser.add_argument('--out', type=Path, metavar='FILE', help='write the collected numbers there as JSON')
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    add_places(parser)
    args = parser.parse_args()
    if not args.table and not args.list:
        parser.error('give a TABLE, or --list')
    if args.resume and not args.run:
        parser.error('--resume goes with --run')
    return args


def describe(parts: Sequence[Part], args: argparse.Namespace) -> None:
    """Print commands and cost."""
    from mmseg.toolbox.experiments.jobs import WORK_DIRS
    from mmseg.toolbox.experiments.reproduction import estimate, experiment_words

    print(f'{args.paper} {args.table}')
    for part in parts:
        words = ['python', 'run_experiments.py', *experiment_words(part), *place_words(args)]
        print(f'  {as_called(shlex.join(words))}')
    ids = dict.fromkeys(part.experiment for part in parts)
    print(f'  {as_called(shlex.join(["python", "tools/collect_results.py", *ids]))}')
    cost = estimate(parts, WORK_DIRS)
    at_once = args.jobs or max(args.gpus, 1)
    rounds = f', {cost.with_several(at_once):.1f} with {at_once} at a time' if args.machine == 'local' else ''
    print(f'{cost.runs} runs, about {cost.hours:.1f} hours{rounds}. Estimated from: {cost.basis}.')
    print(f'Checkpoints that are kept: {cost.disk / 1e9:.1f} GB; free: {cost.free / 1e9:.1f} GB.')


def check(parts: Sequence[Part], args: argparse.Namespace) -> None:
    """Print what is missing; raises UserError if the runs would need it."""
    from mmseg.errors import UserError
    from mmseg.toolbox.experiments.reproduction import problems

    missing = problems(parts)
    print('Data and weights: ' + ('all there.' if not missing else f'{len(missing)} problems.'))
    for text in missing:
        print(f'- {text}')
    if missing and args.run:
        raise UserError(
            'Nothing was trained: mend what is missing first, or leave the check out with --no-check.'
        )


def train(parts: Sequence[Part], args: argparse.Namespace) -> int:
    """Train or submit the runs of one experiment after another; returns how many experiments had failures."""
    from mmseg.toolbox.experiments.launch import run_program
    from mmseg.toolbox.experiments.reproduction import experiment_words

    resume = ['--resume'] if args.resume else []
    commands = [[*experiment_words(part), *place_words(args), *resume] for part in parts]
    return sum(run_program('run_experiments.py', words) != 0 for words in commands)


def collect(parts: Sequence[Part], args: argparse.Namespace) -> None:
    """Print and keep the numbers that there are."""
    from mmseg.fileio import atomic_write
    from mmseg.toolbox.experiments.collection import as_json, as_text, summarise
    from mmseg.toolbox.experiments.reproduction import collected

    outcomes, left = collected(parts)
    summaries = summarise(outcomes)
    print(as_text(summaries, left) if outcomes or left else 'No run has been started yet.')
    if args.out is not None:
        with atomic_write(args.out) as temporary:
            Path(temporary).write_text(
                json.dumps(as_json(summaries, left), indent=1) + '\n', encoding='utf-8'
            )


@run_lasting
def main() -> None:
    """The program."""
    args = parse_arguments()
    from mmseg.errors import UserError
    from mmseg.toolbox.experiments.reproduction import parts_of, tables_of

    if args.list:
        for name, parts in tables_of(args.paper).items():
            print(f'{name}: experiment {", ".join(part.experiment for part in parts)}')
        return
    parts = parts_of(args.paper, args.table)
    describe(parts, args)
    if not args.no_check:
        check(parts, args)
    failed = train(parts, args) if args.run else 0
    collect(parts, args)
    if failed:
        raise UserError(
            f'{failed} of {len(parts)} experiments have runs that failed, see above; --run --resume goes on.'
        )


if __name__ == '__main__':
    main()
