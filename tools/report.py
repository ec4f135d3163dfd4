"""Make one HTML page from tested runs.

Test the checkpoints first (tools/test.py --eval mIoU writes result_student.json or result_teacher.json beside them).
The first run is the one that the others are compared with. Of networks of two resolutions (HRDA) the page also
shows what each of them predicts and where the detail is trusted.

examples:
  python tools/report.py WORK_DIR --pictures 2
  python tools/report.py WORK_DIR OTHER_WORK_DIR --pictures 0 --out work_dirs/compared
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without an installation, too


from mmseg.arguments import Parser
from mmseg.cli import run_cli
from mmseg.config import add_import_option
from mmseg.errors import DataError

if TYPE_CHECKING:
    from mmseg.toolbox.reports import PictureRow, RunResult
    from mmseg.toolbox.reports.scales import ScalePanel

    Run = tuple[Path, RunResult]


def find_runs(folders: Sequence[Path]) -> list[Run]:
    """The results in the folders, in that order, student before teacher, with titles that differ.

    Raises:
        DataError: a folder holds no result.
    """
    from mmseg.toolbox.reports import load_result

    runs: list[Run] = []
    for folder in folders:
        files = [folder / f'result_{network}.json' for network in ('student', 'teacher')]
        found = [load_result(file) for file in files if file.is_file()]
        if not found:
            raise DataError(
                f'{folder} holds no result_student.json or result_teacher.json. Test the run first: '
                f'python tools/test.py CONFIG {folder}/latest.pth --eval mIoU'
            )
        for result in found:
            marked = '' if result.network == 'student' else f' ({result.network})'
            runs.append((folder, replace(result, title=result.title + marked)))
    titles = [result.title for _, result in runs]
    return [
        (
            folder,
            replace(result, title=f'{result.title} [{folder.name}]')
            if titles.count(result.title) > 1
            else result,
        )
        for folder, result in runs
    ]


def find_config(folder: Path) -> Path:
    """The configuration that a run has left in its folder.

    Raises:
        DataError: there is none, or several.
    """
    others = ('.log.json', 'result_student.json', 'result_teacher.json')
    found = [
        f
        for f in sorted(folder.iterdir())
        if f.suffix in ('.py', '.json')
        and not f.name.endswith(others)
        and not f.name.startswith('nonfinite_')
    ]
    if len(found) != 1:
        names = ', '.join(f.name for f in found) or 'none'
        raise DataError(
            f'{folder} should hold the configuration of its run, but {len(found)} files could be it ({names}). Use '
            '--pictures 0 to leave out the pictures.'
        )
    return found[0]


@dataclass(frozen=True)
class Examples:
    """Pictures of the test set with what the runs predict.

    Attributes:
        rows: one a picture, with the predictions of all runs.
        scales: by run title, the same pictures as runs of two resolutions see them.
        dataset: the test set.
    """

    rows: list[PictureRow]
    scales: dict[str, list[ScalePanel]]
    dataset: Any


def find_examples(runs: Sequence[Run], count: int) -> Examples:
    """Predictions of every run for pictures spread evenly over the test set of the first."""
    import numpy as np

    from mmseg.apis import inference_model, inference_scales, init_model
    from mmseg.config import load_config
    from mmseg.datasets import build_dataset
    from mmseg.datasets.files import spread
    from mmseg.engine.build import to_dict
    from mmseg.engine.checkpoint import find_latest
    from mmseg.fileio import read_image
    from mmseg.toolbox.reports import PictureRow
    from mmseg.toolbox.reports.scales import ScalePanel

    dataset = build_dataset(to_dict(load_config(find_config(runs[0][0])))['data']['test'], test_mode=True)
    indices = spread(len(dataset), count)
    files = [dataset.picture_file(i) for i in indices]
    rows = [
        PictureRow(
            file.stem, np.ascontiguousarray(read_image(file)[..., ::-1]), {}, dataset.get_gt_seg_map(i)
        )
        for file, i in zip(files, indices, strict=True)
    ]
    scales: dict[str, list[ScalePanel]] = {}
    table = dataset.class_merge.table() if dataset.class_merge else np.arange(256, dtype=np.uint8)
    for folder, result in runs:
        model = init_model(load_config(find_config(folder)), find_latest(folder), None, result.network)
        for number, (file, row) in enumerate(zip(files, rows, strict=True)):
            maps = inference_scales(model, file)
            fused = table[maps['fused'] if maps else inference_model(model, file)]
            rows[number] = replace(row, predictions={**row.predictions, result.title: fused})
            if maps:
                panel = ScalePanel(
                    row.title, row.image, table[maps['context']], table[maps['detail']], maps['attention'], fused,
                    row.truth,
                )  # fmt: skip
                scales.setdefault(result.title, []).append(panel)
    return Examples(rows, scales, dataset)


def scored_legend(dataset: Any) -> dict[str, Any]:
    """Names and colours of the classes that are scored, as arguments of the report."""
    merge = dataset.class_merge
    if merge is None:
        return {'palette': dataset.PALETTE, 'class_names': dataset.CLASSES}
    names = [dataset.CLASSES[i] if i in merge.classes else '' for i in range(len(dataset.CLASSES))]
    for i, name in zip(merge.classes, merge.names, strict=True):
        names[i] = name
    return {'palette': dataset.PALETTE, 'class_names': names}


@run_cli
def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_argument('work_dir', nargs='+', type=Path, help='folders of tested runs')
    parser.add_argument(
        '--pictures', type=int, default=5, help='examples to predict; 0 = none (default: %(default)s)'
    )
    parser.add_argument('--out', type=Path, help='folder for report.html (default: the last work_dir)')
    parser.add_argument(
        '--title', default='Domain-adaptive segmentation', help='heading (default: %(default)s)'
    )
    add_import_option(parser)
    parser.add_argument('--debug', action='store_true', help='show the traceback of errors')
    args = parser.parse_args()
    runs = find_runs(args.work_dir)
    pictures: dict[str, Any] = {}
    if args.pictures > 0:
        examples = find_examples(runs, args.pictures)
        pictures = {
            'pictures': examples.rows, 'scales': examples.scales, **scored_legend(examples.dataset)
        }  # fmt: skip
    from mmseg.toolbox.reports import write_report

    page = write_report(
        args.out or args.work_dir[-1], [result for _, result in runs], title=args.title, **pictures
    )
    print(page)


if __name__ == '__main__':
    main()
