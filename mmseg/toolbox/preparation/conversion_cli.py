"""Command line shared by tools/convert_datasets/*.py."""

import argparse
import time

from mmseg.arguments import Parser
from mmseg.cli import whole_number
from mmseg.toolbox.preparation.label_formats import LabelFormat

GT_DIRS = {'Mapillary': 'validation/labels'}
"""Label folders for the examples, where the documented layout differs from the published default."""


def build_parser(label_format: LabelFormat, example: str) -> argparse.ArgumentParser:
    """Options of one conversion program; ``example`` is the data path used in the help text."""
    program = f'python tools/convert_datasets/{label_format.name.lower()}.py'
    gt_dir = GT_DIRS.get(label_format.name)
    program += f' {example} --gt-dir {gt_dir}' if gt_dir else f' {example}'
    parser = Parser(
        description=f'Convert {label_format.name} labels to train ids and count the pixels of each class, '
        'for rare class sampling.',
        epilog=f'examples:\n  {program}\n  {program} --nproc 8 -o work_dirs/statistics',
    )
    parser.add_argument('root', help='data path, for instance ' + example)
    parser.add_argument(
        '--gt-dir', default=label_format.folder, help='label folder in the data path (default: %(default)s)'
    )
    parser.add_argument('-o', '--out-dir', help='where the statistics go (default: the data path)')
    parser.add_argument(
        '--nproc', type=whole_number(1), default=label_format.nproc, help='processes (default: %(default)s)'
    )
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser


def main(label_format: LabelFormat, example: str, argv: list[str] | None = None) -> str:
    """Convert as the command line says; returns the sentences to print. Raises DataError."""
    args = build_parser(label_format, example).parse_args(argv)
    from mmseg.toolbox.preparation.conversion import convert  # late: --help does without it

    start = time.perf_counter()
    done = convert(args.root, label_format, args.gt_dir, args.out_dir, args.nproc)
    report = f'{done.labels} labels converted in {time.perf_counter() - start:.1f} s; statistics:\n  '
    report += '\n  '.join(done.statistics)
    if done.unknown:
        ids = ', '.join(map(str, done.unknown[:8])) + (', ...' if len(done.unknown) > 8 else '')
        report += (
            f'\nWarning: ids that {label_format.name} does not define became 255 (ignored): {ids}. '
            'If there are many such pixels, check that these are the raw label PNGs, not colour pictures.'
        )
    return report
