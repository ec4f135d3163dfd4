"""The table of docs/results.md says what docs/screening.json says."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mmseg.errors import DataError
from mmseg.toolbox.experiments import screening
from mmseg.toolbox.experiments.screening import Screened, add, read, scored, seed_table, write_tables
from mmseg.toolbox.testing.run import OutputOptions, ScoreReport

DOCS = Path(__file__).resolve().parents[3] / 'docs'
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


def test_seeds_are_put_together_and_set_between_the_bounds_of_equal_length() -> None:
    def run(title: str, *options: str, **scores: float) -> dict[str, Any]:
        found = {name: {'all': {'mIoU': score}} for name, score in scores.items()}
        return {'title': title, 'seed': 0, 'options': list(options), 'scores': found}

    table = seed_table(
        [
            run('source only, 3,000 iterations', student=30.0),
            run('source only, 3,000 iterations, seed 1', 'seed=1', student=32.0),
            run('target only (oracle), 3,000 iterations', student=60.0),
            run('target only (oracle), 3,000 iterations, seed 2', 'seed=2', student=62.0),
            run('x, 3,000 iterations', student=41.0, teacher=46.0),
            run('x, 3,000 iterations, seed 1', 'seed=1', student=41.0, teacher=46.0),
            run('y', student=41.0),
            run('y, seed 1', 'seed=1', student=43.0),
            run('alone', student=1.0),
        ]
    )
    cells = [[cell.strip() for cell in line.strip('|').split('|')] for line in table.splitlines()[2:]]
    assert cells == [
        ['source only, 3,000 iterations', '0, 1', '31.0 ± 1.4', '-', '-', '0%', '-'],
        ['target only (oracle), 3,000 iterations', '0, 2', '61.0 ± 1.4', '-', '-', '100%', '-'],
        ['x, 3,000 iterations', '0, 1', '41.0 ± 0.0', '46.0 ± 0.0', '-', '33%', '50%'],
        ['y', '0, 1', '42.0 ± 1.4', '-', '-', '-', '-'],
    ]


def test_writing_the_tables_again_changes_nothing(tmp_path: Path) -> None:
    page = tmp_path / 'results.md'
    page.write_text((DOCS / 'results.md').read_text(encoding='utf-8'), encoding='utf-8')
    write_tables(page, read(DOCS / 'screening.json'))
    assert page.read_text(encoding='utf-8') == (DOCS / 'results.md').read_text(encoding='utf-8')
    page.write_text('no marks', encoding='utf-8')
    with pytest.raises(DataError, match='screening scores'):
        write_tables(page, read(DOCS / 'screening.json'))


def test_a_run_is_replaced_by_its_name_and_seed(tmp_path: Path) -> None:
    path = tmp_path / 'scores.json'
    for commit, seed in (('a', 0), ('b', 1), ('c', 0)):
        add(path, {'run': 'x', 'seed': seed, 'commit': commit})
    assert [(one['commit'], one['seed']) for one in read(path)] == [('b', 1), ('c', 0)]
    path.write_text('{', encoding='utf-8')
    with pytest.raises(DataError, match=r'scores\.json'):
        read(path)


@pytest.mark.parametrize('networks', [('model', 'ema_model'), ('model', 'model_D')])
def test_every_network_of_a_run_is_scored_on_every_part(
    networks: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Minimised entropy and adversarial training have a method, but no teacher."""
    state = {f'{name}.weight': torch.zeros(1) for name in networks}
    torch.save({'state_dict': state}, tmp_path / 'latest.pth')
    asked = []

    def test(cfg: Any, checkpoint: Path, options: OutputOptions) -> ScoreReport:
        asked.append((checkpoint.name, options.network, cfg['split']))
        return ScoreReport({}, '', None, ('road', 'sky', 'car'), (50.04, 25.0, float('nan')))

    monkeypatch.setattr(screening, 'load_config', lambda config, options=None: {
        'uda': {'type': 'X'}, 'split': (options or {}).get('data.test.split')})  # fmt: skip
    monkeypatch.setattr(screening, '_adapted', lambda config, checkpoint: {'weight': torch.zeros(1)})
    monkeypatch.setattr(screening, 'test', test)
    entry = scored(Screened('x', 'X', 'config.py', 'abc'), tmp_path)
    splits = ['val_choose.txt', 'val_report.txt', None]
    assert asked == [
        *(('latest.pth', 'student', split) for split in splits),
        *(('adapted.pth', 'student', split) for split in splits),
        *(('latest.pth', 'teacher', split) for split in splits if 'ema_model' in networks),
    ]
    assert entry['scores'].keys() == {name for _, name, _ in asked} | {'student+adabn'}
    assert entry['scores']['student']['choose'] == {'mIoU': 37.5, 'iou': {'road': 50.0, 'sky': 25.0}}
