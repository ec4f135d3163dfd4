"""List what a configuration or command can name: networks, heads, methods, parts, data sets, experiments."""

import re
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.config import add_import_option

KINDS = ('backbones', 'heads', 'methods', 'parts', 'datasets', 'experiments', 'configs')
EXAMPLES = """examples:
  python tools/list_names.py configs "hrda/*"
  python tools/list_names.py backbones "*dinov2*"
  python tools/list_names.py experiments

Backbones that fit a pattern are looked up among the networks of timm, too; they are written
backbone=dict(type='TimmBackbone', model_name='NAME').
"""

MARKUP = re.compile(r':\w+:`~?([^`]+)`')
"""How a docstring names a class for the API pages."""


def found(kind: str) -> dict[str, str]:
    """Name -> what it is, of one kind."""
    if kind == 'configs':
        from mmseg.config.shipped import shipped_configs

        return {
            name: _first_line(path.read_text(encoding='utf-8')) for name, path in shipped_configs().items()
        }
    if kind == 'experiments':
        from mmseg.toolbox.experiments import TABLE

        return {name: f'{entry.paper}: {entry.title}' for name, entry in TABLE.items()}
    from mmseg.registry import DATASETS, MODELS, PARTS

    registry = {'datasets': DATASETS, 'parts': PARTS}.get(kind, MODELS)
    registry.import_from_location()
    room = {'backbones': 'backbones', 'heads': 'heads', 'methods': 'uda'}.get(kind, '')
    return {
        name: _first_line(component.__doc__ or '')
        for name, component in registry.module_dict.items()
        if not room or room in component.__module__.split('.')
    }


def _first_line(text: str) -> str:
    line = text.strip().partition('\n')[0].removeprefix('# ').partition('. ')[0]
    return MARKUP.sub(r'\1', line).replace('``', '`')


def of_timm(pattern: str) -> Iterable[str]:
    """Networks of timm whose names fit."""
    import timm

    return (name for name in timm.list_models() if fnmatchcase(name, pattern))


@run_cli
def main() -> None:
    """Print a line a name."""
    parser = Parser('List what a configuration or command can name, with what it is.', EXAMPLES)
    parser.add_argument('kind', choices=KINDS, metavar='KIND', help=', '.join(KINDS))
    parser.add_argument(
        'glob', nargs='?', default='*', metavar='GLOB', help='only names that fit, e.g. "*mit*"'
    )
    add_import_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args()
    known = {name: text for name, text in found(args.kind).items() if fnmatchcase(name, args.glob)}
    if args.kind == 'backbones' and args.glob != '*':
        known |= dict.fromkeys(of_timm(args.glob), 'timm')
    if not known:
        from mmseg.errors import UsageError, nearest

        raise UsageError(f'{args.kind}: no name fits {args.glob}{nearest(args.glob, found(args.kind))}.')
    width = max(map(len, known))
    for name, text in known.items():
        print(f'{name:{width}}  {text}'.rstrip())


if __name__ == '__main__':
    main()
