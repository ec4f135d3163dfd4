"""Mean and spread of finished runs over their seeds, beside the published value."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli

EXAMPLES = """examples:
  python tools/collect_results.py WORK_DIR OTHER_WORK_DIR
  python tools/collect_results.py work_dirs/local-basic --network student --format markdown
  python tools/collect_results.py work_dirs/local-basic --format json --out collected.json
"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Collect what finished runs scored: mean, sample standard deviation and number of runs of each '
        'setting over its seeds, beside the published value.\nScores are those of tools/test.py where a run was '
        'tested, else those of the validation after its last iteration.',
        epilog=EXAMPLES,
    )
    parser.add_argument('what', nargs='+', metavar='ID_OR_FOLDER',
                        help='experiments, whose runs are looked for in work_dirs; work folders; folders of '
                        'these')  # fmt: skip
    parser.add_argument('--network', choices=('student', 'teacher'), help='only this one (default: both)')
    parser.add_argument('--format', choices=('text', 'markdown', 'json'), default='text',
                        help='default: %(default)s; json has every run and class')  # fmt: skip
    parser.add_argument('--out', type=Path, metavar='FILE', help='write there instead of to the terminal')
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    return parser.parse_args()


@run_cli
def main() -> None:
    """The program."""
    args = parse_arguments()
    from mmseg.fileio import atomic_write
    from mmseg.toolbox.experiments.collection import (
        HEADS,
        as_json,
        as_text,
        cells,
        markdown_table,
        summarise,
    )
    from mmseg.toolbox.experiments.outcomes import NETWORKS, read_outcomes

    outcomes, left = read_outcomes(args.what)
    found = summarise(outcomes, [args.network] if args.network else NETWORKS)
    if args.format == 'json':
        text = json.dumps(as_json(found, left), indent=1) + '\n'
    elif args.format == 'markdown':
        text = markdown_table(HEADS, cells(found))
    else:
        text = as_text(found, left) + '\n'
    if args.out is None:
        print(text, end='')
        return
    with atomic_write(args.out) as temporary:
        Path(temporary).write_text(text, encoding='utf-8')
    print(args.out)


if __name__ == '__main__':
    main()
