"""One self-contained HTML page about one or several tested networks."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from PIL import Image

from mmseg.errors import DataError
from mmseg.fileio import atomic_write
from mmseg.toolbox.reports.charts import class_bars, confusion_chart, learning_curves
from mmseg.toolbox.reports.grid import PictureRow, row_cells
from mmseg.toolbox.reports.logs import RunLog, read_run
from mmseg.toolbox.reports.results import RunResult
from mmseg.toolbox.reports.scales import ScalePanel, scale_figure
from mmseg.visualization.palette import Palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Cell:
    """One number of the table: the value and its difference to the first run, as shown."""

    value: str
    change: str = ''
    kind: str = 'same'


def write_report(
    work_dir: Path | str,
    runs: Sequence[RunResult],
    pictures: Sequence[PictureRow] = (),
    *,
    scales: Mapping[str, Sequence[ScalePanel]] | None = None,
    palette: Palette = (),
    class_names: Sequence[str] = (),
    title: str = 'Domain-adaptive segmentation',
    summary: str = '',
    commands: Sequence[str] = (),
    file_name: str = 'report.html',
) -> Path:
    """Write ``work_dir/report.html``: result table, class bars, curves, picture grid, scales, confusion matrices.

    The page needs no other file: pictures are embedded.

    Args:
        work_dir: existing or new folder.
        runs: at least one result; the others are compared with the first.
        pictures: examples; the predictions' names should be run titles.
        scales: by run title, examples as multi-resolution networks see them.
        palette: RGB colours by class index, for the pictures and the legend.
        class_names: names by class index, for the legend; '' leaves a class out.
        title, summary: heading of the page and a paragraph below it.
        commands: command lines that reproduce the numbers.
        file_name: name of the page, which is returned as a path.

    Raises:
        DataError: no run, or a run's log file is missing or damaged.
    """
    if not runs:
        raise DataError('A report needs at least one tested run, but none was given. Test a checkpoint.')
    logs = {run.title: read_run(run.log_file) for run in runs if run.log_file is not None}
    page = _template().render(
        title=title,
        summary=summary,
        commands=list(commands),
        written=datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
        runs=runs,
        table=result_table(runs),
        legend=_legend(palette, class_names),
        pictures=[(row.title, _embed_row(row, palette)) for row in pictures],
        scales=_embed_scales(scales or {}, palette),
        **_charts(runs, logs),
    )
    path = Path(work_dir) / file_name
    with atomic_write(path) as temporary:
        Path(temporary).write_text(page, encoding='utf-8')
    return path


def _template() -> Template:
    loader = PackageLoader('mmseg.toolbox.reports')
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template('report.html')


def result_table(runs: Sequence[RunResult]) -> list[tuple[str, list[Cell]]]:
    """Rows (class, one cell a run) of the result table; the first row is the mean."""
    rows = [('mIoU', [_cell(run.miou, runs[0].miou, i) for i, run in enumerate(runs)])]
    for name, reference in runs[0].class_iou.items():
        cells = [_cell(run.class_iou.get(name, math.nan), reference, i) for i, run in enumerate(runs)]
        rows.append((name, cells))
    return rows


def _cell(value: float, reference: float, column: int) -> Cell:
    if math.isnan(value):
        return Cell('n/a')
    if column == 0 or math.isnan(reference):
        return Cell(f'{value:.1f}')
    change = value - reference
    kind = 'same' if abs(change) < 0.05 else 'up' if change > 0 else 'down'
    return Cell(f'{value:.1f}', f'{change:+.1f}', kind)


def _charts(runs: Sequence[RunResult], logs: dict[str, RunLog]) -> dict[str, object]:
    drawn = [log for log in logs.values() if log.training or log.evaluation]
    confusions = [
        (run.title, _embed_figure(confusion_chart(run.confusion, list(run.class_iou), run.title)))
        for run in runs
        if run.confusion is not None
    ]
    return {
        'bars': _embed_figure(class_bars(runs)),
        'curves': _embed_figure(learning_curves(logs)) if drawn else '',
        'confusions': confusions,
    }


def _legend(palette: Palette, class_names: Sequence[str]) -> list[tuple[str, str]]:
    colours = [f'rgb({r},{g},{b})' for r, g, b in palette]
    return [(name, colour) for name, colour in zip(class_names, colours, strict=False) if name]


def _embed_row(row: PictureRow, palette: Palette) -> list[tuple[str, str]]:
    return [(heading, _embed_image(picture)) for heading, picture in row_cells(row, palette)]


def _embed_scales(scales: Mapping[str, Sequence[ScalePanel]], palette: Palette) -> list[tuple[str, str, str]]:
    """Run, names of the pictures, figure."""
    return [
        (
            name,
            ', '.join(panel.title for panel in panels),
            _embed_figure(scale_figure(panels, palette), 'jpg'),
        )
        for name, panels in scales.items()
    ]


def _embed_image(picture: np.ndarray) -> str:
    """RGB uint8 (H, W, 3) as a data address; JPEG, so that a page of photographs stays small."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, 'JPEG', quality=88)
    return f'data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}'


def _embed_figure(figure: Figure, kind: str = 'png') -> str:
    """A figure as a data address; 'jpg' for photographs."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=130)
    mime = {'png': 'png', 'jpg': 'jpeg'}[kind]
    return f'data:image/{mime};base64,{base64.b64encode(buffer.getvalue()).decode()}'
