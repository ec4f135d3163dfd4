"""Repeat a step of a run that was not finite and say where in it that begins.

A run that stops because of such a value leaves nonfinite_iter_N.json and, where the step could be undone,
nonfinite_iter_N.pth with everything as it was before. Without the latter the steps since the newest earlier
checkpoint are repeated first. Any other step can be repeated, too. Nothing is written.

examples:
  python tools/replay_batch.py WORK_DIR
  python tools/replay_batch.py WORK_DIR --iteration 2
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import default_launcher, run_cli, whole_number
from mmseg.config import add_import_option

if TYPE_CHECKING:
    from mmseg.toolbox.replay import Replay


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    head, examples = (__doc__ or '').split('\n\nexamples:')
    parser = Parser(description=head, epilog=f'examples:{examples}')
    parser.add_argument('work_dir', type=Path, help='folder of the run')
    parser.add_argument('--iteration', type=whole_number(1), metavar='N',
                        help='step to repeat, from 1 (default: the newest one that was not finite)')  # fmt: skip
    parser.add_argument(
        '--config', metavar='FILE', help='configuration of the run (default: the one in its folder)'
    )
    parser.add_argument('--from', dest='start', type=Path, metavar='FILE',
                        help='checkpoint to start from (default: the newest one from before the step)')  # fmt: skip
    parser.add_argument('--launcher', choices=('none', 'pytorch'), default=default_launcher(),
                        help='pytorch: as many processes as the run had, by torchrun (need not be said)')  # fmt: skip
    add_import_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    return parser.parse_args()


def describe(found: Replay) -> str:
    """The findings as text, in the order in which things happen in a step."""
    lines = [f'Iteration {found.iteration}, repeated from the state after iteration {found.start}']
    lines += [f'  picture of the batch: {name}' for name in found.pictures]
    lines += [
        f'  {name}: {value:.6g}' + ('' if math.isfinite(value) else '   <-- not finite')
        for name, value in found.values.items()
    ]
    places = {
        'state before the step': found.before,
        'inputs': ', '.join(found.inputs),
        'first layer': found.layer,
        'first gradient (in backward order)': found.gradient,
        'state after the step': found.after,
    }
    broken = [f'  not finite, {what}: {name}' for what, name in places.items() if name]
    if not broken and all(map(math.isfinite, found.values.values())):
        broken = ['  everything in this step is finite']
    return '\n'.join(lines + broken)


@run_cli
def main() -> None:
    """Find the step, repeat it, print what was found."""
    args = parse_arguments()
    from mmseg.config import load_config
    from mmseg.engine.distributed import close_distributed, init_distributed, is_main
    from mmseg.toolbox.replay import find_config, find_start, find_step, replay

    cfg = load_config(args.config or find_config(args.work_dir))
    iteration, start = (args.iteration, None) if args.iteration else find_step(args.work_dir)
    init_distributed(args.launcher)
    found = replay(cfg, iteration, args.start or start or find_start(args.work_dir, iteration))
    if is_main():
        print(describe(found))
    close_distributed()


if __name__ == '__main__':
    main()
