"""Copy a configuration that comes with the package, to change it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli

EXAMPLES = """examples:
  python tools/copy_config.py builtin_daformer --out mine.py
  python tools/copy_config.py dida/gta2cs_dida

The copy names its base files where they are installed, so that it can be used from any folder.
"""


@run_cli
def main() -> None:
    """Copy, tell where to."""
    from mmseg.config.shipped import portable_copy, shipped_configs

    parser = Parser('Copy a configuration that comes with the package, to change it.', EXAMPLES)
    names = parser.add_argument('name', help='one of `mmseg-uda list configs`')
    vars(names)['completer'] = lambda **_: list(shipped_configs())
    parser.add_argument(
        '--out', type=Path, metavar='FILE', help='new file (default: its name, in this folder)'
    )
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args()
    from mmseg.errors import UsageError
    from mmseg.fileio import atomic_write

    text = portable_copy(args.name)
    out = args.out or Path(Path(args.name).name).with_suffix('.py')
    if out.exists():
        raise UsageError(f'{out} exists already; choose another name with --out.')
    with atomic_write(out) as temporary:
        Path(temporary).write_text(text, encoding='utf-8')
    print(out)


if __name__ == '__main__':
    main()
