"""One self-contained HTML page about one or several runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mmseg.arguments import as_called
from mmseg.errors import DataError
from mmseg.fileio import atomic_write
from mmseg.toolbox.reports.bank_view import BankView
from mmseg.toolbox.reports.confusion import largest_confusions
from mmseg.toolbox.reports.curves import curve_groups
from mmseg.toolbox.reports.details import Delivered, Details
from mmseg.toolbox.reports.embedding import SHADES, data_script
from mmseg.toolbox.reports.examples import css_colour, legend, picture_example, scale_examples
from mmseg.toolbox.reports.facts import run_facts
from mmseg.toolbox.reports.grid import PictureRow
from mmseg.toolbox.reports.logs import read_run
from mmseg.toolbox.reports.previews import find_previews
from mmseg.toolbox.reports.results import RunResult
from mmseg.toolbox.reports.run_folders import RunFolder, log_head
from mmseg.toolbox.reports.scales import ScalePanel
from mmseg.toolbox.reports.tables import logs_by_title, overview, result_table, use_rows
from mmseg.visualization.palette import Palette

TITLE = 'Domain-adaptive segmentation'
FILE_NAME = 'report.html'
SCRIPTS = ('page.js', 'charts.js', 'pictures.js')
LARGEST = 15
"""Pairs of confused classes that are listed."""
FILMS = 6
"""Runs whose debug pictures a page shows, the last ones: each takes half a megabyte."""

SECTIONS = {
    'overview': 'Runs', 'classes': 'Classes', 'curves': 'Curves', 'pictures': 'Pictures', 'worst': 'Worst pictures',
    'scales': 'Two resolutions', 'previews': 'Over time', 'confusion': 'Confusion', 'delivered': 'Class frequencies',
    'bank': 'Instance bank', 'facts': 'Made how',
}  # fmt: skip


def write_report(
    work_dir: Path | str,
    runs: Sequence[RunResult],
    pictures: Sequence[PictureRow] = (),
    *,
    scales: Mapping[str, Sequence[ScalePanel]] | None = None,
    palette: Palette = (),
    class_names: Sequence[str] = (),
    title: str = TITLE,
    summary: str = '',
    commands: Sequence[str] = (),
    file_name: str = FILE_NAME,
    details: Details | None = None,
) -> Path:
    """Write ``work_dir/report.html``; the page needs no other file and no network.

    Args:
        work_dir: existing or new folder.
        file_name: name of the page, which is returned as a path.
        runs, pictures, scales, palette, class_names, title, summary, commands, details: see :func:`render_report`.

    Raises:
        DataError: no run, or a run's log file is missing or damaged.
    """
    page = render_report(
        runs, pictures, scales=scales, palette=palette, class_names=class_names, title=title, summary=summary,
        commands=commands, details=details,
    )  # fmt: skip
    path = Path(work_dir) / file_name
    with atomic_write(path) as temporary:
        Path(temporary).write_text(page, encoding='utf-8')
    return path


def render_report(
    runs: Sequence[RunResult],
    pictures: Sequence[PictureRow] = (),
    *,
    scales: Mapping[str, Sequence[ScalePanel]] | None = None,
    palette: Palette = (),
    class_names: Sequence[str] = (),
    title: str = TITLE,
    summary: str = '',
    commands: Sequence[str] = (),
    details: Details | None = None,
) -> str:
    """The page as HTML.

    Args:
        runs: results; the others are compared with the first. None are needed if ``details`` has runs.
        pictures: examples; the predictions' names should be run titles.
        scales: by run title, examples as multi-resolution networks see them.
        palette: RGB colours by class index, for the pictures and the legend; that of the last run where it is empty.
        class_names: names by class index, for the legend; '' leaves a class out.
        title, summary: heading of the page and a paragraph below it.
        commands: command lines that reproduce the numbers.
        details: more to show.

    Raises:
        DataError: no run, or a run's log file is missing or damaged.
    """
    details = details or Details()
    folders = list(details.folders) or _folders_of(runs)
    if not folders:
        raise DataError('A report needs at least one run, but none was given. Train, or test a checkpoint.')
    palette, class_names = palette or _meta(folders, 'PALETTE'), class_names or _meta(folders, 'CLASSES')
    values = {
        **_pictures(pictures, scales or {}, details, palette),
        **_known(runs, folders, details, palette, class_names),
    }
    template = _environment().get_template(FILE_NAME)
    return template.render(
        title=title,
        summary=summary,
        commands=list(commands),
        written=datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
        sections=_sections(values),
        problems=[as_called(problem) for problem in details.problems],
        live=details.live,
        **_look(),
        **values,
    )


def _environment() -> Environment:
    loader = PackageLoader('mmseg.toolbox.reports')
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _part(name: str) -> Markup:
    """A style or script that lies beside the template."""
    return Markup(
        files('mmseg.toolbox.reports').joinpath('templates').joinpath(name).read_text(encoding='utf-8')
    )


def _look() -> dict[str, Any]:
    """Style, scripts and colours that all pages have."""
    return {
        'style': _part('report.css'),
        'scripts': [_part(name) for name in SCRIPTS],
        'shades': ','.join(css_colour(colour) for colour in SHADES),
    }


def _known(
    runs: Sequence[RunResult],
    folders: Sequence[RunFolder],
    details: Details,
    palette: Palette,
    names: Sequence[str],
) -> dict[str, Any]:
    """Everything but pictures of the test set."""
    colours = dict(legend(palette, names))
    scores, known = _scores(runs, colours), _runs(folders)
    return {
        'legend': list(colours.items()),
        'use': _use(details.use, colours),
        'banks': [(name, _bank(bank, palette, names)) for name, bank in details.banks.items()],
        'data': Markup(data_script(_drawn(folders, scores, known))),
        **scores,
        **known,
    }


def _pictures(
    rows: Sequence[PictureRow], scales: Mapping[str, Sequence[ScalePanel]], details: Details, palette: Palette
) -> dict[str, Any]:
    """Examples and the worst pictures."""
    return {
        'scales': scale_examples(scales, palette),
        'pictures': [picture_example(row, palette) for row in rows],
        'worst': [picture_example(row, palette) for row in details.worst],
        'worst_of': details.worst_of,
    }


def _folders_of(runs: Sequence[RunResult]) -> list[RunFolder]:
    """Runs that are known by their results only, with the curves of the logs that these name."""
    found = []
    for run in runs:
        log_file = run.log_file
        if log_file is None:
            found.append(RunFolder(Path(), run.title, results=(run,)))
        else:
            log, meta = read_run(log_file), log_head([log_file])
            found.append(RunFolder(log_file.parent, run.title, log, meta, (run,)))
    return found


def _meta(folders: Sequence[RunFolder], name: str) -> Any:
    """What the last run that says it says; empty if none does."""
    return next((run.meta[name] for run in reversed(folders) if run.meta.get(name)), ())


def _scores(runs: Sequence[RunResult], colours: Mapping[str, str]) -> dict[str, Any]:
    """Tables and confusion matrices."""
    scored = [run for run in runs if not math.isnan(run.miou)]
    rows = result_table(scored) if scored else []
    matrices = [(run, list(run.class_iou)) for run in scored if run.confusion is not None]
    return {
        'table': {
            'titles': [run.title for run in scored],
            'rows': [(name, colours.get(name, ''), cells) for name, cells in rows],
        },
        'compared': len(scored) > 1,
        'notes': _notes(runs),
        'confusions': [
            {
                'title': run.title,
                'names': names,
                'counts': run.confusion.tolist(),
                'largest': largest_confusions(run.confusion, names, LARGEST),
            }
            for run, names in matrices
            if run.confusion is not None
        ],
    }


def _notes(runs: Sequence[RunResult]) -> list[str]:
    """What the results say of themselves, each text once."""
    texts = dict.fromkeys(run.note for run in runs if run.note)
    return [f'{text}: {", ".join(run.title for run in runs if run.note == text)}' for text in texts]


def _runs(folders: Sequence[RunFolder]) -> dict[str, Any]:
    """What is known about each run besides its scores."""
    facts = [run_facts(run) for run in folders]
    films = [
        (f'{run.title}: {kind}', frames)
        for run in folders[-FILMS:]
        if run.iteration  # without a log the folder is not known
        for kind, frames in find_previews(run.folder).items()
        if frames
    ]
    return {
        'overview': overview(folders, facts),
        'curves': curve_groups(logs_by_title(folders)),
        'previews': films,
        'facts': facts,
    }


def _drawn(
    folders: Sequence[RunFolder], scores: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, Any]:
    """What the scripts of the page draw."""
    return {
        'runs': [run.title for run in folders],
        'curves': known['curves'],
        'confusions': [{key: one[key] for key in ('names', 'counts')} for one in scores['confusions']],
    }


def _sections(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and headings of the sections that have something to show."""
    shown = {
        **{name: bool(values.get(name)) for name in SECTIONS},
        'classes': bool(values['table']['rows']),
        'confusion': bool(values['confusions']),
        'delivered': values['use'] is not None,
        'bank': bool(values['banks']),
    }
    return [(name, text) for name, text in SECTIONS.items() if shown[name]]


def _use(use: Delivered | None, colours: Mapping[str, str]) -> dict[str, Any] | None:
    if use is None:
        return None
    return {'note': use.note, 'rows': use_rows(use.stored, use.delivered, use.names, colours)}


def _bank(bank: BankView, palette: Palette, names: Sequence[str]) -> dict[str, Any]:
    """A bank with the colours and names of its points."""

    def named(label: int) -> tuple[str, str]:
        colour = css_colour(palette[label]) if label < len(palette) else 'gray'
        return colour, names[label] if label < len(names) else str(label)

    points = [(x, y, *named(label)) for x, y, label in bank.points]
    return {'facts': bank.facts, 'classes': bank.classes, 'points': points}
