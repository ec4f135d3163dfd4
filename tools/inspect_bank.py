"""Show what an instance bank holds: statistics and a picture."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli

if TYPE_CHECKING:
    from mmseg.toolbox.bank.statistics import BankStatistics

EXAMPLES = """examples:
  python tools/inspect_bank.py embedding_cache/gta300
  python tools/inspect_bank.py embedding_cache/gta300 --picture bank.png --json
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Statistics of an instance bank; --picture also draws class histogram, norms, cosine matrix and '
        'a projection to two dimensions.',
        epilog=EXAMPLES,
    )
    parser.add_argument('bank', nargs='+', help='folder with the two files, or features and labels')
    parser.add_argument('--picture', type=Path, metavar='FILE', help='write a picture (.png, .svg, .pdf)')
    parser.add_argument('--json', action='store_true', help='print one JSON object instead of text')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args(argv)


def class_name(label: int) -> str:
    """Of the 19 driving classes, else the number."""
    from mmseg.datasets.classes import CLASSES

    return CLASSES[label] if label < len(CLASSES) else str(label)


def text(found: BankStatistics) -> str:
    """The statistics for a person."""
    smallest, mean, largest, spread = found.norm
    lines = [
        f'{found.rows} rows, {found.channels} channels',
        f'norms {smallest:.2f} / {mean:.2f} / {largest:.2f} (smallest / mean / largest), deviation {spread:.2f}',
        f'largest value {found.largest:.2f}, zeros {100 * found.zeros:.1f} %, dead channels {found.dead}, '
        f'duplicate rows {found.duplicates}',
        f'cosine {found.cosine_same:.3f} within classes, {found.cosine_different:.3f} between; nearest class mean is '
        f'right for {100 * found.centroid_accuracy:.1f} %',
        'rows of each class:',
        *(f'  {class_name(label):15} {count}' for label, count in enumerate(found.counts)),
    ]
    if found.short:
        lines.append('short of rows: ' + ', '.join(class_name(label) for label in found.short))
    return '\n'.join(lines)


@run_cli
def main() -> None:
    """Read, print, draw."""
    args = parse_args()
    from mmseg.datasets.classes import CLASSES, PALETTE
    from mmseg.toolbox.bank.statistics import bank_statistics
    from mmseg.toolbox.reports.bank import bank_figure
    from mmseg.toolbox.reports.charts import save_figure
    from mmseg.uda.instance_bank.files import read_bank

    features, labels = read_bank(args.bank[0] if len(args.bank) == 1 else args.bank)
    found = bank_statistics(features, labels)
    print(json.dumps(asdict(found)) if args.json else text(found))
    if args.picture is not None:
        count = max(len(found.counts), len(CLASSES))
        colours = [PALETTE[label % len(PALETTE)] for label in range(count)]
        names = [class_name(label) for label in range(count)]
        save_figure(bank_figure(features, labels, names, colours), args.picture)


if __name__ == '__main__':
    main()
