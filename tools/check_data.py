"""Check data sets before training on them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli, whole_number
from mmseg.config import add_import_option

if TYPE_CHECKING:
    from mmseg.toolbox.checking import FolderReport

EXAMPLES = """examples:
  python tools/check_data.py data/gta data/cityscapes
  python tools/check_data.py data/synthia --dataset synthia --full --threads 4
  python tools/check_data.py CONFIG
  python tools/check_data.py data/gta --sample 2 --min-pixels 10 --class-temp 0.1

Compares the names of all files, opens some pictures and labels of each part, compares the statistics of rare class
sampling with the labels. With a configuration it checks what this will read, through its own classes and options.
The exit code is 1 if something is wrong.
"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Check data sets: pairs, sizes, label ids, unreadable files, statistics, classes.',
        epilog=EXAMPLES,
    )
    parser.add_argument(
        'root',
        nargs='+',
        help='folder of a data set, for instance data/gta, or a configuration file (.py, .json)',
    )
    parser.add_argument('--dataset', metavar='NAME',
                        help='one of GTA, SYNTHIA, Cityscapes, DarkZurich, ACDC, Mapillary, ProcStreet, ProcStreet960, '
                        'Carla800, CamVid, CamVid960 (default: recognised)')  # fmt: skip
    amount = parser.add_argument_group('how much').add_mutually_exclusive_group()
    amount.add_argument('--sample', type=whole_number(1), default=100, metavar='N',
                        help='pictures and labels to open of each part (default: %(default)s)')  # fmt: skip
    amount.add_argument('--full', action='store_true', help='open all (GTA: some minutes)')
    parser.add_argument(
        '--threads', type=whole_number(1), default=2, metavar='N', help='files at once (default: %(default)s)'
    )
    rare = parser.add_argument_group('rare class sampling')
    rare.add_argument('--min-pixels', type=whole_number(1), default=3000, metavar='N',
                      help='a candidate has more pixels of the class (default: %(default)s, as published)')  # fmt: skip
    rare.add_argument('--class-temp', type=temperature, default=0.01, metavar='T',
                      help='temperature of the class probabilities (default: %(default)s, as published)')  # fmt: skip
    add_import_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    return parser.parse_args()


def temperature(text: str) -> float:
    """A number above 0."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f'{text} is not above 0')
    return value


def reports(root: str, args: argparse.Namespace) -> Iterable[FolderReport]:
    """Of a folder, or of each data set of a configuration."""
    from mmseg.config import load_config
    from mmseg.toolbox.checking import check_config_data, check_folder, layout_named, recognise

    sample, progress = None if args.full else args.sample, sys.stderr.isatty()
    if Path(root).suffix in ('.py', '.json') and not Path(root).is_dir():
        data = load_config(root).to_dict().get('data') or {}
        return check_config_data(data, sample, args.threads, progress)
    layout = layout_named(args.dataset) if args.dataset else recognise(root)
    return [check_folder(root, layout, sample, args.min_pixels, args.class_temp, args.threads, progress)]


@run_cli
def main() -> None:
    """Check, print, leave with 1 if something is wrong."""
    args = parse_arguments()
    sound = True
    from mmseg.toolbox.checking import report_text

    for root in args.root:
        for report in reports(root, args):
            print(report_text(report) + '\n')
            sound &= report.sound
    if not sound:
        sys.exit(1)


if __name__ == '__main__':
    main()
