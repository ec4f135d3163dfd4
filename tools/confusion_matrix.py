"""Which classes are taken for which."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.config import add_config_options

EXAMPLES = """examples:
  python tools/confusion_matrix.py CONFIG RESULTS.pkl
  python tools/confusion_matrix.py CONFIG WORK_DIR/result_student.json --largest 3 --by predicted --out precision.png
  python tools/confusion_matrix.py CONFIG CHECKPOINT --network teacher --out teacher.csv
  python tools/confusion_matrix.py CONFIG RESULTS.pkl --distance 0 3 --out near.csv

A .csv holds the counts of pixels. A checkpoint is tested first, which takes as long as tools/test.py.
"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Draw the confusion matrix of a test and list its scores and largest confusions.',
        epilog=EXAMPLES,
    )
    parser.add_argument('config', help='configuration file, Python or JSON; its data.test is used')
    parser.add_argument(
        'source', type=Path, help='.pkl of tools/test.py --out, result_*.json, or a checkpoint'
    )
    parser.add_argument(
        '--out', type=Path, nargs='+', default=[Path('confusion.png'), Path('confusion.csv')], metavar='FILE',
        help='pictures (.png, .pdf, .svg) and tables (.csv) (default: confusion.png confusion.csv)',
    )  # fmt: skip
    parser.add_argument('--by', choices=('true', 'predicted'), default='true',
                        help='percent of the true pixels (recall) or of the predicted (default: true)')  # fmt: skip
    parser.add_argument(
        '--largest', type=int, default=10, metavar='N', help='confusions to list (default: 10)'
    )
    parser.add_argument('--network', choices=('student', 'teacher'), default='student',
                        help='which network of a self-training checkpoint (default: student)')  # fmt: skip
    parser.add_argument('--distance', type=float, nargs=2, metavar=('FROM', 'TO'),
                        help='with a .pkl: only pixels whose distance to the nearest pixel of another class is from '
                             'FROM up to TO, not including it, in pixels; inf is allowed (default: all)')  # fmt: skip
    parser.add_argument('--title', help='heading of the picture (default: what was tested)')
    add_config_options(parser, 'data.workers_per_gpu=2')
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    return parser.parse_args()


@run_cli
def main() -> None:
    """Find the matrix, list, draw."""
    args = parse_arguments()
    from mmseg.config import load_config
    from mmseg.evaluation import evaluate
    from mmseg.toolbox.reports.confusion import (
        check_confusion_file,
        confusion_table,
        largest_confusions,
        write_confusion,
    )
    from mmseg.toolbox.testing.confusion import find_confusion

    for path in args.out:
        check_confusion_file(path)
    band = None if args.distance is None else (args.distance[0], args.distance[1])
    found = find_confusion(load_config(args.config, args.cfg_options), args.source, args.network, band)
    values = evaluate(found.matrix, 'mIoU', found.names).values
    print(
        f'{found.matrix.sum()} pixels: '
        + ', '.join(f'{key} {100 * values[key]:.2f}' for key in ('aAcc', 'mIoU', 'mAcc'))
    )
    if args.largest > 0:
        print(confusion_table(largest_confusions(found.matrix, found.names, args.largest)))
    title = found.title if args.title is None else args.title
    for path in args.out:
        write_confusion(path, found.matrix, found.names, title, args.by)
        print(path)


if __name__ == '__main__':
    main()
