"""Show what a configuration file means."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.config import add_config_options

EXAMPLES = """examples:
  python tools/print_config.py configs/demo/builtin_daformer.py
  python tools/print_config.py configs/demo/builtin_daformer.py --resolved --json --cfg-options seed=3
"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Print a configuration with its base files merged, after checking every key.',
        epilog=EXAMPLES,
    )
    parser.add_argument('config', help='configuration file, Python or JSON')
    add_config_options(parser, 'data.samples_per_gpu=1')
    form = parser.add_argument_group('form')
    form.add_argument('--resolved', action='store_true', help='write out pipelines that are given as presets')
    form.add_argument('--json', action='store_true', help='as JSON (Infinity as Python writes it)')
    form.add_argument('--notes', action='store_true', help='list keys without effect on stderr')
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    return parser.parse_args()


@run_cli
def main() -> None:
    """Run the command line."""
    args = parse_arguments()
    from mmseg.config import load_config, resolved
    from mmseg.config.check import inspect_config
    from mmseg.config.writing import config_text

    cfg = load_config(args.config, args.cfg_options, expand=args.resolved)
    if args.notes:
        sys.stderr.write('\n'.join(inspect_config(cfg.to_dict()).notes) + '\n')
    print(
        json.dumps(resolved(cfg) if args.resolved else cfg.to_dict(), indent=2)
        if args.json
        else config_text(cfg).rstrip()
    )


if __name__ == '__main__':
    main()
