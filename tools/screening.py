"""Score a run on the two halves of a validation set, keep the scores as JSON, and write docs/results.md's tables."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli

EXAMPLES = """examples:
  python tools/screening.py --run WORK_DIR --name mic --config CONFIG --commit 6d10264 --json scores.json --page PAGE
  python tools/screening.py --json scores.json --page PAGE
"""


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Score the networks of a finished run by data.test.split=val_choose.txt and val_report.txt, and on '
        'all pictures; add the scores to a JSON file, and write the tables between the marks of a page from it and '
        'from that of all other results (without --run only that).',
        epilog=EXAMPLES,
    )
    parser.add_argument('--run', type=Path, metavar='DIR', help='work folder of the run that is added')
    parser.add_argument(
        '--name', help='short name of the run in the JSON file; a run of that name is replaced'
    )
    parser.add_argument('--title', help='what the tables call it (default: the name)')
    parser.add_argument('--config', help='configuration it was trained with')
    parser.add_argument('--commit', help='commit it was trained with')
    parser.add_argument(
        '--options', nargs='*', default=[], metavar='KEY=VALUE', help='its --cfg-options, for the record'
    )
    parser.add_argument('--json', type=Path, default=Path('docs/screening.json'), help='default: %(default)s')
    parser.add_argument('--results', type=Path, default=Path('docs/results.json'), metavar='FILE',
                        help='JSON of the other tables of the page (default: %(default)s)')  # fmt: skip
    parser.add_argument('--page', type=Path, default=Path('docs/results.md'), help='default: %(default)s')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args()
    if args.run and not (args.name and args.config and args.commit):
        parser.error('--run needs --name, --config and --commit.')
    return args


@run_cli
def main() -> None:
    """The program."""
    args = parse_args()
    from mmseg.toolbox.experiments.result_tables import write_results
    from mmseg.toolbox.experiments.screening import Screened, add, read, scored, write_tables

    if args.run:
        run = Screened(args.name, args.title or args.name, args.config, args.commit, tuple(args.options))
        add(args.json, scored(run, args.run))
    write_tables(args.page, read(args.json))
    write_results(args.page, args.results)


if __name__ == '__main__':
    main()
