"""Scores of single runs for the choice of settings: one half of a validation set to choose by, one to report.

Kept as a JSON list with one entry a run; the tables of a page are written from it.
"""

import json
import math
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmseg.config import load_config
from mmseg.datasets import build_dataset
from mmseg.datasets.files import spread
from mmseg.engine.build import to_dict
from mmseg.errors import DataError
from mmseg.fileio import atomic_write
from mmseg.models.weights import read_weight_file, state_dict_of, write_weights
from mmseg.models.weights.selection import networks_in
from mmseg.models.weights.state import State
from mmseg.toolbox.batch_statistics import adapt_batch_norms
from mmseg.toolbox.experiments.collection import markdown_table, with_spread
from mmseg.toolbox.experiments.result_tables import replaced
from mmseg.toolbox.testing.run import OutputOptions, load_network, test

PARTS = {'choose': 'val_choose.txt', 'report': 'val_report.txt', 'all': None}
"""Halves of the validation pictures and the split files that list them."""

COLUMNS = {
    'student': 'student',
    'teacher': 'teacher',
    'student+adabn': 'student, AdaBN',
    'teacher+flip': 'teacher, flip',
}
"""Networks of the first table, and what it calls them."""

ADAPTED_PICTURES = 60
ADAPTED_FOLDER = 'leftImg8bit/train'

SEED = re.compile(r', seed \d+$')
LENGTH = re.compile(r', [\d,]+ iterations$')
BOUNDS = ('source only', 'target only (oracle)')

Entry = dict[str, Any]


@dataclass(frozen=True)
class Screened:
    """A run.

    Attributes:
        name: short and unique.
        title: what tables call it.
        config: configuration it was trained with.
        commit: of the code it was trained with.
        options: changes of the configuration, KEY=VALUE.
        seed: of the run.
    """

    name: str
    title: str
    config: str
    commit: str
    options: tuple[str, ...] = ()
    seed: int = 0


def scored(run: Screened, work_dir: Path) -> Entry:
    """The entry of a finished run: its student, its teacher if there is one, and the student with the batch-norm
    statistics of the target (:mod:`mmseg.toolbox.batch_statistics`).

    Raises:
        UserError: configuration, data or checkpoint are not there or do not fit.
    """
    checkpoint = work_dir / 'latest.pth'
    adapted = work_dir / 'adapted.pth'
    write_weights(adapted, _adapted(run.config, checkpoint))
    networks = {'student': (checkpoint, 'student'), 'student+adabn': (adapted, 'student')}
    if 'teacher' in networks_in(state_dict_of(read_weight_file(checkpoint), checkpoint)):
        networks['teacher'] = (checkpoint, 'teacher')
    scores = {name: _by_part(run.config, *network) for name, network in networks.items()}
    return {
        'run': run.name,
        'title': run.title,
        'seed': run.seed,
        'commit': run.commit,
        'config': run.config,
        'options': list(run.options),
        'scores': scores,
    }


def _adapted(config: str, checkpoint: Path) -> State:
    """State dict of the student after a look at some training pictures of the target."""
    cfg = load_config(config)
    unlabelled = {'img_dir': ADAPTED_FOLDER, 'ann_dir': None, 'split': None}
    pictures = build_dataset({**to_dict(cfg)['data']['test'], **unlabelled}, test_mode=True)
    network = load_network(cfg, checkpoint)

    def images() -> Iterator[Any]:
        device = next(network.parameters()).device
        for index in spread(len(pictures), ADAPTED_PICTURES):
            yield pictures[index]['img'][0].unsqueeze(0).to(device)

    adapt_batch_norms(network, images(), network.predict_logits)
    state: State = network.state_dict()
    return state


def _by_part(config: str, checkpoint: Path, network: str) -> dict[str, Any]:
    """Mean and IoU by class, in percent, of a network on each part."""
    found = {}
    for part, split in PARTS.items():
        cfg = load_config(config, {'data.test.split': split} if split else None)
        report = test(cfg, checkpoint, OutputOptions(metrics=('mIoU',), network=network))
        iou = {
            name: round(value, 1)
            for name, value in zip(report.class_names, report.class_iou, strict=True)
            if not math.isnan(value)
        }
        found[part] = {'mIoU': round(sum(iou.values()) / len(iou), 2), 'iou': iou}
    return found


def read(path: Path) -> list[Entry]:
    """Entries in the order in which they were added.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        entries: list[Entry] = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise DataError(
            f'{path}: cannot be read ({error}); expected the list that this program writes.'
        ) from error
    return entries


def add(path: Path, entry: Entry) -> None:
    """Add an entry to the file, in place of one of the same run and seed."""
    known = read(path) if path.exists() else []
    kept = [one for one in known if (one['run'], one['seed']) != (entry['run'], entry['seed'])]
    with atomic_write(path) as temporary:
        Path(temporary).write_text(json.dumps([*kept, entry], indent=1) + '\n', encoding='utf-8')


def write_tables(page: Path, entries: Sequence[Entry]) -> None:
    """Write the tables between their marks in a page.

    Raises:
        DataError: the page has no such marks.
    """
    text = page.read_text(encoding='utf-8')
    for name, table in tables(entries).items():
        text = replaced(text, f'<!-- {name} -->', table, page)
    with atomic_write(page) as temporary:
        Path(temporary).write_text(text, encoding='utf-8')


def tables(entries: Sequence[Entry]) -> dict[str, str]:
    """All of them by the names of their marks."""
    return {
        'screening scores': score_table(entries),
        'screening seeds': seed_table(entries),
        'screening classes': class_table(entries),
    }


def score_table(entries: Sequence[Entry]) -> str:
    """One row a run: mIoU of each network on both halves, and the commit."""
    heads = [f'{part}: {title}' for part in ('choose', 'report') for title in COLUMNS.values()]
    rows = [
        [
            entry['title'],
            *(_mean(entry, name, part) for part in ('choose', 'report') for name in COLUMNS),
            entry['commit'],
        ]
        for entry in entries
    ]
    return markdown_table(['run', *heads, 'commit'], rows)


def class_table(entries: Sequence[Entry]) -> str:
    """IoU on 'choose' by class: of teachers, or of students with and without statistics of the target."""
    columns = [
        (entry['title'] + suffix, entry['scores'][network]['choose'])
        for entry in entries
        for network, suffix in _told(entry)
    ]
    rows = [[name, *(f'{scores["iou"][name]:.1f}' for _, scores in columns)] for name in columns[0][1]['iou']]
    rows.append(['**mean**', *(f'**{scores["mIoU"]:.1f}**' for _, scores in columns)])
    return markdown_table(['class', *(title for title, _ in columns)], rows)


def seed_table(entries: Sequence[Entry]) -> str:
    """Runs that differ by their seed alone: mean and sample standard deviation of each network on all pictures, and
    where its mean stands between source only (0 %) and the oracle (100 %) of equal length.

    Titles tell: ', seed N' at the end is left out, and a run belongs to the bounds whose titles end as its own.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(SEED.sub('', entry['title']), []).append(entry)
    shown = {title: runs for title, runs in groups.items() if len(runs) > 1}
    rows = []
    for title, runs in shown.items():
        length = LENGTH.search(title)
        bounds = [shown.get(kind + (length[0] if length else '')) for kind in BOUNDS]
        numbers = {name: _scores(runs, name) for name in COLUMNS if name != 'teacher+flip'}
        means = [_spread(scores) for scores in numbers.values()]
        shares = [_share(numbers[name], bounds) for name in ('student', 'teacher')]
        rows.append([title, ', '.join(sorted(map(_seed, runs))), *means, *shares])
    heads = [title for name, title in COLUMNS.items() if name != 'teacher+flip']
    return markdown_table(['run', 'seeds', *heads, 'share of the gap: student', 'teacher'], rows)


def _seed(entry: Entry) -> str:
    """Of a run; that of its options where they name one."""
    given = [option.partition('=')[2] for option in entry['options'] if option.startswith('seed=')]
    return given[-1] if given else str(entry['seed'])


def _scores(runs: Sequence[Entry], network: str) -> list[float]:
    return [run['scores'][network]['all']['mIoU'] for run in runs if network in run['scores']]


def _spread(scores: Sequence[float]) -> str:
    if not scores:
        return '-'
    return with_spread(statistics.fmean(scores), statistics.stdev(scores) if len(scores) > 1 else None)


def _share(scores: Sequence[float], bounds: Sequence[Sequence[Entry] | None]) -> str:
    low, high = (statistics.fmean(_scores(runs, 'student')) if runs else math.nan for runs in bounds)
    share = (statistics.fmean(scores) - low) / (high - low) if scores else math.nan
    return '-' if math.isnan(share) else f'{share:.0%}'


def _told(entry: Entry) -> list[tuple[str, str]]:
    if 'teacher' in entry['scores']:
        return [('teacher', ', teacher')]
    return [('student', ''), ('student+adabn', ', AdaBN')]


def _mean(entry: Entry, network: str, part: str) -> str:
    scores = entry['scores'].get(network)
    return '-' if scores is None else f'{scores[part]["mIoU"]:.1f}'
