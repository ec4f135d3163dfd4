"""Draw the built-in street scenes in the raw layout of GTA, SYNTHIA or Cityscapes."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser, as_called
from mmseg.cli import run_cli

EXAMPLES = """examples:
  python tools/make_scenes.py data/builtin --layout builtin
  python tools/make_scenes.py data/scenes/gta --layout gta --count 20
  python tools/make_scenes.py data/scenes/cityscapes --layout cityscapes --count 20 --size 512x256

The layout builtin is what configurations named builtin_... train on: drawings like GTA and photographs like
Cityscapes, as many as experiment 0 has, with converted labels.
"""
DEFAULT_STYLE = {'gta': 'render', 'synthia': 'render', 'cityscapes': 'photo'}
BUILTIN = 'builtin'
SIZES = ('style', 'count', 'val_count', 'size', 'first_seed')
"""Options of the other layouts."""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Draw street scenes with labels of all 19 classes; the same seed gives the same scene.',
        epilog=EXAMPLES,
    )
    parser.add_argument('out', help='data folder to fill, for instance data/scenes/gta')
    parser.add_argument(
        '--layout',
        choices=(*DEFAULT_STYLE, BUILTIN),
        default='gta',
        help='files and folders (default: %(default)s)',
    )
    parser.add_argument(
        '--style', choices=('render', 'photo'), help='default: render; photo for the layout cityscapes'
    )
    parser.add_argument('--count', type=int, default=100, help='(training) pictures (default: %(default)s)')
    parser.add_argument(
        '--val-count', type=int, help='cityscapes: pictures of val and of test (default: count / 4)'
    )
    parser.add_argument(
        '--size', type=_size, default='256x128', metavar='WxH', help='pixels (default: %(default)s)'
    )
    parser.add_argument(
        '--first-seed', type=int, default=0, help='number of the first scene (default: %(default)s)'
    )
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args, usual = parser.parse_args(argv), vars(parser.parse_args(['x']))
    given = [f'--{key.replace("_", "-")}' for key in SIZES if getattr(args, key) != usual[key]]
    if args.layout == BUILTIN and given:
        parser.error(f'--layout {BUILTIN} is always the same: leave out {", ".join(given)}')
    return args


@run_cli
def main() -> None:
    args = parse_args()
    if args.layout == BUILTIN:
        from mmseg.toolbox.experiments.demo import prepare

        prepare([], print, Path(args.out))
        return
    style = args.style or DEFAULT_STYLE[args.layout]
    from mmseg.toolbox.scenes import write_cityscapes, write_gta, write_synthia

    if args.layout == 'cityscapes':
        held_back = args.count // 4 if args.val_count is None else args.val_count
        counts = {'train': args.count, 'val': held_back, 'test': held_back}
        write_cityscapes(args.out, counts, args.size, style, args.first_seed, progress=True)
    else:
        write = write_gta if args.layout == 'gta' else write_synthia
        write(args.out, args.count, args.size, style, args.first_seed, progress=True)
    print(as_called(f'Next: python tools/convert_datasets/{args.layout}.py {args.out}'))


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition('x')
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f'{text!r} is not a size such as 256x128')
    return int(width), int(height)


if __name__ == '__main__':
    main()
