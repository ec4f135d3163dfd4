"""Write a bank of random rows: a placeholder that the loader accepts."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.errors import UsageError

EXAMPLES = """examples:
  python tools/create_buffer.py embedding_cache/random
  python tools/create_buffer.py embedding_cache/random100 --rows 100 --channels 256 --classes 19 --seed 1
A bank of real features: tools/build_bank.py. A training run without uda.instance_bank.bank_file fills its own.
"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Write an instance bank of random rows (absolute values of normal noise, unit length).',
        epilog=EXAMPLES,
    )
    parser.add_argument('out', nargs='?', default='embedding_cache',
                        help='folder for f_buffer_s.npz and l_buffer_s.npz (default: %(default)s)')  # fmt: skip
    parser.add_argument('--rows', type=int, default=300, help='size of the bank (default: %(default)s)')
    parser.add_argument(
        '--channels', type=int, default=256, help="channels of the decoder's embedding (default: %(default)s)"
    )
    parser.add_argument('--classes', type=int, default=19, help='number of classes (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of the noise (default: %(default)s)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args(argv)


@run_cli
def main() -> None:
    """Write the two files."""
    args = parse_args()
    if args.channels < 1 or args.classes < 1 or args.rows < args.classes:
        raise UsageError(
            f'{args.rows} rows of {args.channels} channels for {args.classes} classes make no bank; expected '
            'positive numbers and at least one row a class.'
        )
    from mmseg.toolbox.bank.building import random_bank
    from mmseg.uda.instance_bank.files import write_bank

    for path in write_bank(args.out, *random_bank(args.rows, args.channels, args.classes, args.seed)):
        print(path)
    print(f"to use them: --cfg-options 'uda.instance_bank.bank_file={args.out}'")


if __name__ == '__main__':
    main()
