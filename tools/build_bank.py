"""Build a class-balanced instance bank from source images with a trained network."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too


from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.config import add_import_option
from mmseg.errors import ConfigError

if TYPE_CHECKING:
    from mmengine.config import Config

EXAMPLES = """examples:
  python tools/build_bank.py CONFIG CHECKPOINT --out embedding_cache/gta300 --images 300
  python tools/build_bank.py CONFIG CHECKPOINT --out embedding_cache/gta38 --rows 38 --network teacher
Then train with uda.instance_bank.bank_file=embedding_cache/gta300; look at it with tools/inspect_bank.py.
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Build an instance bank: one averaged feature of each class an image shows, until all classes '
        'have the same number of rows.',
        epilog=EXAMPLES,
    )
    parser.add_argument('config', help='configuration with the network and data.train')
    parser.add_argument('checkpoint', help='weights of the network')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the two files of the bank')
    parser.add_argument('--rows', type=int, help='size of the bank (default: of the configuration, or 300)')
    parser.add_argument(
        '--classes',
        type=int,
        nargs='+',
        metavar='ID',
        help='ids that get rows (default: configuration, or all)',
    )
    parser.add_argument(
        '--images', type=int, default=5000, help='look at so many at most (default: %(default)s)'
    )
    parser.add_argument('--network', choices=('student', 'teacher'), default='student',
                        help='of a self-training checkpoint (default: %(default)s)')  # fmt: skip
    parser.add_argument('--boundary', action='store_true', help='only pixels at class boundaries')
    parser.add_argument('--seed', type=int, default=0, help='of the order of images (default: %(default)s)')
    parser.add_argument('--device', help='default: the GPU if there is one, else the CPU')
    add_import_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args(argv)


def source_dataset(cfg: Config) -> Any:
    """The labelled training data.

    Raises:
        ConfigError: the configuration has none.
    """
    from mmseg.datasets import build_dataset

    train = (cfg.to_dict().get('data') or {}).get('train') or {}
    source = train.get('source', train) if isinstance(train, dict) else train
    if not source:
        raise ConfigError('The configuration has no data.train; expected the labelled images of the source.')
    return build_dataset(source)


@run_cli
def main() -> None:
    """Fill a bank and write it."""
    args = parse_args()
    from mmseg.apis import init_model
    from mmseg.config import load_config
    from mmseg.toolbox.bank.building import fill_bank

    cfg = load_config(args.config)
    options = (cfg.get('uda') or {}).get('instance_bank') or {}
    rows = args.rows or options.get('bank_size', 300)
    classes = args.classes or options.get('classes')
    dataset = source_dataset(cfg)
    network = init_model(cfg, args.checkpoint, args.device, args.network)
    count = network.num_classes
    wrong = [c for c in classes or () if not 0 <= c < count]
    if wrong or rows < len(classes or range(count)):
        raise ConfigError(
            f'{rows} rows for classes {classes or "0 to " + str(count - 1)}: expected ids from 0 to {count - 1} and at '
            'least one row a class (--rows, --classes).'
        )
    samples = (dataset.draw(i, args.seed) for i in range(args.images))
    bank = fill_bank(network, samples, rows, classes, 2 if args.boundary else 0)
    bank.write(args.out)
    print(f'{args.out}: {rows} rows of {bank.features.shape[1]} channels for {len(bank.classes)} classes')


if __name__ == '__main__':
    main()
