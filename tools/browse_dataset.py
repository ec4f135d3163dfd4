"""What training is fed: augmented samples and class frequencies."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli, whole_number
from mmseg.config import add_config_options
from mmseg.errors import UsageError

if TYPE_CHECKING:
    from mmseg.toolbox.preparation.class_use import ClassUse

EXAMPLES = """examples:
  python tools/browse_dataset.py CONFIG --samples 12
  python tools/browse_dataset.py CONFIG --rcs both --samples 12 --out browse_both
  python tools/browse_dataset.py CONFIG --rcs off --start 100 --pictures 2 --samples 0 --seed 1

Sample i is the one that a training run with that seed gets: iteration t of a run with batches of B sees the samples
t * B to t * B + B - 1. DIR gets samples.png and classes.png.
"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Show what pipeline and rare class sampling deliver: pictures with labels, class frequencies '
        'beside those of the data set.',
        epilog=EXAMPLES,
    )
    parser.add_argument('config', help='configuration file, Python or JSON')
    parser.add_argument('--out', type=Path, default=Path('browse'), metavar='DIR',
                        help='folder of the pictures (default: %(default)s)')  # fmt: skip
    parser.add_argument('--pictures', type=whole_number(0), default=6, metavar='N',
                        help='samples in the picture (default: %(default)s)')  # fmt: skip
    parser.add_argument('--samples', type=whole_number(0), default=200, metavar='N',
                        help='samples whose classes are counted; 0 = none (default: %(default)s)')  # fmt: skip
    parser.add_argument(
        '--start', type=whole_number(0), default=0, metavar='I', help='first sample (default: %(default)s)'
    )
    parser.add_argument('--seed', type=int, help='of the run (default: that of the configuration, else 0)')
    parser.add_argument('--rcs', choices=('configured', 'off', 'both'), default='configured',
                        help='rare class sampling; both: compare them (default: configured)')  # fmt: skip
    add_config_options(parser, 'data.train.rare_class_sampling.class_temp=0.1')
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    return parser.parse_args()


def data_sets(train: dict[str, Any], rcs: str) -> dict[str, Any]:
    """Training data sets by what to call their samples; what is shown as pictures comes last.

    Raises:
        UsageError: rare class sampling is to be compared, but there is none.
    """
    from mmseg.datasets import build_dataset

    plain = {key: value for key, value in train.items() if key != 'rare_class_sampling'}
    if not train.get('rare_class_sampling'):
        if rcs == 'both':
            raise UsageError(
                '--rcs both: the configuration has no data.train.rare_class_sampling; leave it out.'
            )
        return {'delivered': build_dataset(train)}
    if rcs == 'off':
        return {'without RCS': build_dataset(plain)}
    with_rcs = {'with RCS': build_dataset(train)}
    return with_rcs if rcs == 'configured' else {'without RCS': build_dataset(plain), **with_rcs}


def class_uses(sets: dict[str, Any], seed: int, first: int, samples: int) -> list[ClassUse]:
    """Of the source data set, then of what each training data set delivers."""
    from mmseg.datasets import UDADataset
    from mmseg.toolbox.preparation.class_use import delivered_use, stored_use

    some = next(iter(sets.values()))
    source = some.source if isinstance(some, UDADataset) else some
    return [
        stored_use(source),
        *(delivered_use(title, dataset, seed, first, samples) for title, dataset in sets.items()),
    ]


@run_cli
def main() -> None:
    """Draw samples, count classes."""
    args = parse_arguments()
    from mmseg.config import load_config, require_sections
    from mmseg.fileio import atomic_write
    from mmseg.toolbox.reports.charts import save_figure
    from mmseg.toolbox.reports.delivery import sample_panels, use_figure, use_table
    from mmseg.visualization.panels import draw_panels

    cfg = load_config(args.config, args.cfg_options)
    require_sections(cfg, ['data.train'])
    values = cfg.to_dict()
    seed = int(values.get('seed') or 0) if args.seed is None else args.seed
    sets = data_sets(values['data']['train'], args.rcs)
    shown = list(sets.values())[-1]
    if args.pictures:
        numbers = range(args.start, args.start + args.pictures)
        rows = [sample_panels(shown.draw(i, seed), shown.PALETTE, i) for i in numbers]
        with atomic_write(args.out / 'samples.png') as temporary:
            draw_panels(rows, max(len(row) for row in rows)).save(temporary)
        print(f'{args.out / "samples.png"}: samples {numbers[0]} to {numbers[-1]} of seed {seed}')
    if args.samples:
        uses = class_uses(sets, seed, args.start, args.samples)
        print(use_table(uses, shown.CLASSES))
        save_figure(use_figure(uses, shown.CLASSES), args.out / 'classes.png')
        print(f'{args.out / "classes.png"}: classes of {args.samples} samples')


if __name__ == '__main__':
    main()
