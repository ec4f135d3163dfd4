"""Curves and times of training runs, from their logs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too

from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.errors import UsageError

if TYPE_CHECKING:
    from mmseg.toolbox.reports.logs import RunLog

EXAMPLES = """examples:
  python tools/analyze_logs.py LOG
  python tools/analyze_logs.py WORK_DIR OTHER_WORK_DIR --legend first second --smooth 0.8 --out curves.png
  python tools/analyze_logs.py LOG --keys mIoU "*loss_seg" --title Losses --out losses.svg
  python tools/analyze_logs.py LOG --list

Logs of the published programs can be read too. Scores are in percent.
"""


def smoothing(text: str) -> float:
    """A number in [0, 1)."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f'{text} is not in [0, 1)')
    return value


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(
        description='Draw the curves of training runs from their logs; print scores and times of an iteration.',
        epilog=EXAMPLES,
    )
    parser.add_argument('log', nargs='+', type=Path, help='*.log.json, or work folders of runs')
    parser.add_argument('--keys', nargs='+', metavar='NAME', default=[],
                        help='what to draw, * stands for anything (default: mIoU, main losses)')  # fmt: skip
    parser.add_argument('--smooth', type=smoothing, default=0.0, metavar='WEIGHT',
                        help="weight of the past in a moving average, in [0, 1) (default: 0)")  # fmt: skip
    parser.add_argument(
        '--legend', nargs='+', metavar='NAME', help='a name for each run (default: its folder)'
    )
    parser.add_argument('--title', default='', help='heading of the picture')
    parser.add_argument('--out', type=Path, default=Path('curves.png'), metavar='FILE',
                        help='picture, .png, .svg or .pdf (default: %(default)s)')  # fmt: skip
    parser.add_argument(
        '--list', action='store_true', help='list the names that the logs have and draw nothing'
    )
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    return parser.parse_args()


def run_name(path: Path) -> str:
    """What to call a run: its folder, for files that are not called by a time stamp their stem."""
    from mmseg.toolbox.reports.logs import LOG_ENDING

    stem = path.name.removesuffix(LOG_ENDING)
    return (
        path.resolve().name if path.is_dir() else path.resolve().parent.name if stem[:8].isdigit() else stem
    )


def read_runs(paths: list[Path], legend: list[str] | None) -> dict[str, RunLog]:
    """Logs by run name; raises UsageError if the legend does not fit."""
    from mmseg.toolbox.reports.logs import find_logs, read_logs

    names = legend or [run_name(path) for path in paths]
    if len(names) != len(paths):
        raise UsageError(f'--legend has {len(names)} names for {len(paths)} runs; expected one each.')
    names = [f'{name} ({number})' if names.count(name) > 1 else name for number, name in enumerate(names, 1)]
    return {name: read_logs(find_logs(path)) for name, path in zip(names, paths, strict=True)}


@run_cli
def main() -> None:
    """Read, print, draw."""
    args = parse_arguments()
    from mmseg.toolbox.reports.charts import check_figure_file, curve_figure, save_figure
    from mmseg.toolbox.reports.log_tables import choose_curves, score_table, speed_table, usual_curves

    check_figure_file(args.out)
    logs = read_runs(args.log, args.legend)
    if args.list:
        print('\n'.join(dict.fromkeys(name for log in logs.values() for name in log.curves())))
        return
    chosen = choose_curves(logs, args.keys or usual_curves(logs))
    for text in (score_table(logs), speed_table(logs)):
        if text:
            print(text)
    save_figure(curve_figure(chosen, args.smooth, args.title), args.out)
    print(f'save curve to: {args.out}')


if __name__ == '__main__':
    main()
