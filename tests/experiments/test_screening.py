"""The table of docs/results.md says what docs/screening.json says."""

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / 'docs'
COLUMNS = ('student', 'teacher', 'student+adabn', 'teacher+flip')


def rows(name: str) -> list[list[str]]:
    """Cells of a table between its markers, without the head."""
    page = (DOCS / 'results.md').read_text(encoding='utf-8')
    table = page.partition(f'<!-- screening {name} -->\n')[2].partition('<!-- end -->')[0]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in table.splitlines()[2:]]


def runs() -> list[dict[str, Any]]:
    return json.loads((DOCS / 'screening.json').read_text(encoding='utf-8'))


def test_every_run_is_a_row_with_its_scores_and_commit() -> None:
    found = rows('scores')
    assert len(found) == len(runs()) > 0
    for (_, *cells, commit), run in zip(found, runs(), strict=True):
        scores = [
            run['scores'].get(column, {}).get(part, {}).get('mIoU')
            for part in ('choose', 'report')
            for column in COLUMNS
        ]
        assert cells == ['-' if score is None else f'{score:.1f}' for score in scores]
        assert commit == run['commit']


def test_means_are_those_of_the_classes() -> None:
    for run in runs():
        for parts in run['scores'].values():
            for part in parts.values():
                ious = list(part['iou'].values())
                assert abs(sum(ious) / len(ious) - part['mIoU']) < 0.06


def test_class_table_has_a_row_for_each_class_and_the_mean() -> None:
    classes = list(runs()[0]['scores']['student']['choose']['iou'])
    assert [row[0] for row in rows('classes')] == [*classes, '**mean**']
