"""Make one HTML page of runs that were trained or tested.

The page is one file that needs no other and no network: scores, curves, confusion, pictures, configuration. A folder
may be that of a run or hold runs anywhere below it. Scores are those that tools/test.py --eval mIoU has left beside
the checkpoint (result_student.json, result_teacher.json), else those of the last validation. The first network is the
one that the others are compared with. Pictures show what tested networks predict; of those of two resolutions
(HRDA) also what each of them predicts and where the detail is trusted.

examples:
  python tools/report.py WORK_DIR --pictures 2
  python tools/report.py WORK_DIR OTHER_WORK_DIR --pictures 0 --out work_dirs/compared
  python tools/report.py work_dirs --pictures 0 --samples 0 --out runs.html
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too


from mmseg.arguments import Parser, as_called
from mmseg.cli import run_cli, started_as, whole_number
from mmseg.config import add_import_option

if TYPE_CHECKING:
    import argparse

    from mmseg.toolbox.reports.gathering import Network
    from mmseg.toolbox.reports.run_folders import RunFolder

PAGE = '.html'


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('work_dir', nargs='+', type=Path, help='folders of runs, or folders that hold them')
    parser.add_argument('--pictures', type=whole_number(0), default=5, metavar='N',
                        help='pictures to predict; 0 = none, nor the worst (default: %(default)s)')  # fmt: skip
    parser.add_argument(
        '--no-worst', action='store_true', help='do not predict the worst picture of each class'
    )
    parser.add_argument('--samples', type=whole_number(0), default=100, metavar='N',
                        help='training samples of the best run to count classes in; 0 = none '
                        '(default: %(default)s)')  # fmt: skip
    parser.add_argument('--out', type=Path, metavar='PLACE',
                        help=f'the page, if it ends with {PAGE}, else a folder for report.html (default: the last '
                        'work_dir)')  # fmt: skip
    parser.add_argument(
        '--title', default='Domain-adaptive segmentation', help='heading (default: %(default)s)'
    )
    add_import_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    return parser.parse_args()


def shown_pictures(
    networks: Sequence[Network], count: int, worst: bool, problems: list[str]
) -> dict[str, Any]:
    """Predictions as arguments of the report and its details, as far as data, configuration and weights are here."""
    from mmseg.toolbox.reports.gathering import as_far_as_there, chosen_networks, find_examples, scored_legend

    chosen = chosen_networks(networks)
    found = None
    if count and chosen:
        found = as_far_as_there('pictures', lambda: find_examples(chosen, count, worst), problems)
    if found is None:
        return {'details': {}, 'report': {}}
    return {
        'details': {'worst': found.worst, 'worst_of': found.worst_of},
        'report': {'pictures': found.rows, 'scales': found.scales, **scored_legend(found.dataset)},
    }


def details_of(
    runs: Sequence[RunFolder], networks: Sequence[Network], samples: int, problems: list[str]
) -> dict[str, Any]:
    """Class frequencies and banks, as far as data and checkpoints are here."""
    from mmseg.toolbox.reports.gathering import as_far_as_there, best_network, find_banks, find_delivered

    names = next((run.meta['CLASSES'] for run in reversed(runs) if 'CLASSES' in run.meta), ())
    use = None
    if samples:
        run, _ = best_network(networks) or (runs[-1], None)
        use = as_far_as_there('class frequencies', lambda: find_delivered(run, samples), problems)
    banks = as_far_as_there('instance banks', lambda: find_banks(runs, names), problems)
    return {'use': use, 'banks': banks or {}}


@run_cli
def main() -> None:
    """Read the runs, predict, write the page."""
    args = parse_arguments()
    from mmseg.toolbox.reports.details import Details
    from mmseg.toolbox.reports.report import FILE_NAME, write_report
    from mmseg.toolbox.reports.run_folders import find_run_folders, shown_results

    runs, problems = find_run_folders(args.work_dir)
    networks = shown_results(runs)
    pictures = shown_pictures(networks, args.pictures, not args.no_worst, problems)
    details = details_of(runs, networks, args.samples, problems)
    out = args.out or args.work_dir[-1]
    folder, name = (out.parent, out.name) if out.suffix == PAGE else (out, FILE_NAME)
    page = write_report(
        folder,
        [result for _, result in networks],
        title=args.title,
        commands=[shlex.join([*started_as(sys.argv[0]), *sys.argv[1:]])],
        file_name=name,
        details=Details(folders=runs, problems=problems, **details, **pictures['details']),
        **pictures['report'],
    )
    for problem in problems:
        print(as_called(problem), file=sys.stderr)
    print(page)


if __name__ == '__main__':
    main()
