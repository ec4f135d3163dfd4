"""Experiment 0: draw scenes, adapt a small network from drawings to 'photographs', show what it gained."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from prettytable import PrettyTable

from mmseg.config import load_config
from mmseg.datasets import CLASSES, PALETTE
from mmseg.datasets.files import BUILTIN
from mmseg.engine.checkpoint import find_latest
from mmseg.fileio import read_image, read_label
from mmseg.toolbox.experiments.jobs import Job
from mmseg.toolbox.preparation.conversion import convert
from mmseg.toolbox.preparation.label_formats import CITYSCAPES, GTA, LabelFormat
from mmseg.toolbox.reports import PictureRow, RunResult, load_result, write_report
from mmseg.toolbox.scenes import write_cityscapes, write_gta
from mmseg.toolbox.testing.run import OutputOptions, test

Say = Callable[[str], None]

SIZE = (256, 128)
DRAWINGS = 160
PHOTOGRAPHS = {'train': 120, 'val': 30, 'test': 4}
FIRST_PHOTOGRAPH = 1000
EXAMPLES = 4
TITLES = {'source_only': 'source-only', 'daformer': 'adapted'}


def prepare(jobs: Sequence[Job], say: Say, folder: Path = BUILTIN) -> None:
    """Draw the scenes and convert their labels, as far as that is not done yet.

    Source: style 'render' in GTA's layout; target: style 'photo' in Cityscapes' layout, other layouts of streets.
    """
    progress = sys.stderr.isatty()
    say(f'Built-in scenes in {folder}: {DRAWINGS} labelled drawings, {sum(PHOTOGRAPHS.values())} photographs')
    drawn = write_gta(folder / 'gta', DRAWINGS, SIZE, progress=progress)
    _convert(folder / 'gta', GTA, drawn > 0, say)
    drawn = write_cityscapes(
        folder / 'cityscapes', PHOTOGRAPHS, SIZE, first_seed=FIRST_PHOTOGRAPH, progress=progress
    )
    _convert(folder / 'cityscapes', CITYSCAPES, drawn > 0, say)


def report(jobs: Sequence[Job], say: Say) -> None:
    """Test the trained networks, say the table, write ``report.html`` into the last run's folder."""
    results = [_test(job) for job in jobs]
    say(result_table(results).get_string())
    page = write_report(
        jobs[-1].work_dir,
        results,
        _examples(jobs, results),
        palette=PALETTE,
        class_names=CLASSES,
        title='Demo: from drawings to photographs',
        summary='Both networks learned from the same labelled drawings for the same number of iterations. The adapted '
        'one also saw photographs without labels. Scores are IoU in percent on photographs that neither has seen. '
        'The scenes are drawn by this program: the numbers say that everything works, not how good a method is.',
        commands=['make demo', 'python run_experiments.py --exp 0'],
    )
    say(f'Report: {page}')


def result_table(results: Sequence[RunResult]) -> PrettyTable:
    """IoU in percent: a row for the mean and one a class, a column a run and one for the last minus the first."""
    table = PrettyTable(['IoU [%]', *[result.title for result in results], 'gain'])
    table.align = 'r'
    table.align['IoU [%]'] = 'l'
    rows = [('mIoU', [result.miou for result in results])]
    rows += [(name, [result.class_iou[name] for result in results]) for name in results[0].class_iou]
    for index, (name, values) in enumerate(rows):
        cells = [f'{value:.1f}' for value in values]
        table.add_row([name, *cells, f'{values[-1] - values[0]:+.1f}'], divider=index == 0)
    return table


def _convert(root: Path, label_format: LabelFormat, changed: bool, say: Say) -> None:
    if not changed and (root / 'samples_with_class.json').is_file():
        return
    done = convert(str(root), label_format, nproc=1, progress=False)
    say(f'{done.labels} {label_format.name} labels converted; statistics in {root}')


def _test(job: Job) -> RunResult:
    folder = job.work_dir
    options = OutputOptions(
        metrics=('mIoU',), label_dir=folder / 'preds', to_label_id=False, result_dir=folder
    )
    test(load_config(job.file), find_latest(folder), options)
    title = next((TITLES[word] for word in TITLES if word in job.name), job.name)
    return replace(load_result(folder / 'result_student.json'), title=title)


def _examples(jobs: Sequence[Job], results: Sequence[RunResult]) -> list[PictureRow]:
    """The first validation pictures with the predictions that the tests have written."""
    pictures = sorted((BUILTIN / 'cityscapes/leftImg8bit/val').rglob('*_leftImg8bit.png'))[:EXAMPLES]
    rows = []
    for picture in pictures:
        label = (
            str(picture).replace('leftImg8bit/', 'gtFine/').replace('_leftImg8bit', '_gtFine_labelTrainIds')
        )
        predictions: dict[str, np.ndarray] = {
            result.title: read_label(job.work_dir / 'preds' / f'{picture.stem}.png')
            for job, result in zip(jobs, results, strict=True)
        }
        image = np.ascontiguousarray(read_image(picture)[..., ::-1])
        rows.append(
            PictureRow(picture.stem.removesuffix('_leftImg8bit'), image, predictions, read_label(label))
        )
    return rows
