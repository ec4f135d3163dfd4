"""What a network costs: parameters and operations of its parts."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.config import add_config_options

EXAMPLES = """examples:
  python tools/get_flops.py CONFIG
  python tools/get_flops.py HRDA_CONFIG --shape 64 128 --picture cost.png
  python tools/get_flops.py CONFIG --shape 64 64 --shape 64 128 --json

A multiplication with its addition counts as two operations, as in torch's own counter; halve them for MACs. Counted
is one forward pass of a picture as it is tested (all windows). Nothing is computed: large networks take seconds and
no memory.
"""


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Parameters and operations (FLOPs) of a network by part, for one or several picture sizes.',
        epilog=EXAMPLES,
    )
    parser.add_argument('config', help='configuration file, Python or JSON')
    parser.add_argument(
        '--shape', nargs=2, type=int, action='append', metavar=('HEIGHT', 'WIDTH'),
        help='picture size; may be repeated (default: that of the test pipeline)',
    )  # fmt: skip
    parser.add_argument('--picture', type=Path, metavar='FILE', help='write a picture (.png, .svg, .pdf)')
    parser.add_argument('--json', action='store_true', help='print one JSON object a size instead of tables')
    add_config_options(parser, 'model.test_cfg.mode=whole')
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    return parser.parse_args()


@run_cli
def main() -> None:
    """Count, print, draw."""
    args = parse_arguments()
    from mmseg.config import load_config, require_sections
    from mmseg.toolbox.cost import build_without_data, measure
    from mmseg.toolbox.reports.charts import check_figure_file, save_figure
    from mmseg.toolbox.reports.cost import cost_figure, cost_summary, cost_table
    from mmseg.toolbox.testing.command_options import chosen_sizes

    if args.picture is not None:
        check_figure_file(args.picture)
    cfg = load_config(args.config, args.cfg_options)
    require_sections(cfg, ['model'])
    sizes = chosen_sizes(cfg, args.shape)
    network = build_without_data(cfg.to_dict()['model'])
    costs = [measure(network, size) for size in sizes]
    for cost in costs:
        print(json.dumps(asdict(cost)) if args.json else f'{cost_summary(cost)}\n{cost_table(cost)}')
    if args.picture is not None:
        save_figure(cost_figure(costs, Path(args.config).stem), args.picture)


if __name__ == '__main__':
    main()
