"""The tables of docs/model-zoo.md and of README.md, from the shipped configurations, the experiments and the results.

``python -m docs.making.reference`` writes them. What is in no file of results is 'not run'.
"""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.config.shipped import shipped_configs
from mmseg.fileio import read_json
from mmseg.toolbox.experiments.collection import markdown_table, with_spread
from mmseg.toolbox.experiments.listing import describe_experiments
from mmseg.toolbox.experiments.result_tables import replaced
from mmseg.toolbox.experiments.screening import SEED
from mmseg.toolbox.experiments.table import TABLE

DOCS = Path(__file__).resolve().parents[1]
PAGE = DOCS / 'model-zoo.md'
NOT_RUN = 'not run'

METHODS = {
    'demo/procstreet2camvid_source_only': 'source only',
    'demo/procstreet2camvid_minent': 'MinEnt',
    'demo/procstreet2camvid_advseg': 'AdvSeg',
    'demo/procstreet2camvid_dacs': 'DACS',
    'demo/procstreet2camvid_daformer': 'DAFormer',
    'demo/procstreet2camvid_mic': 'MIC',
    'demo/procstreet2camvid_hrda': 'HRDA',
    'demo/procstreet2camvid_dida': 'DIDA published',
    'demo/procstreet2camvid_dida_clean': 'DIDA clean',
    'demo/procstreet2camvid_dida_trusted': 'DIDA trusted',
    'demo/procstreet2camvid_hrda_dida': 'HRDA + DIDA clean',
    'demo/procstreet2camvid_target_only': 'target only (oracle)',
}
"""Configuration -> what results.json calls its runs."""

SCREENED = {
    'demo/procstreet2camvid_combination': 'the same + thresholds by class (combination)',
    'demo/procstreet2camvid_combination_mic': 'best combination + MIC',
    'demo/procstreet_carla2camvid_combination': 'the combination, ProcStreet + carla800',
    'demo/procstreet2camvid_best': 'best combination + MIC, 3,000 iterations',
}
"""The same for screening.json, whose runs have titles; ', seed N' at their ends is left out."""

DRAWN = {
    'demo/builtin_source_only': 'run here on drawn scenes, no benchmark',
    'demo/builtin_daformer': 'run here on drawn scenes, no benchmark',
}
RUN_HERE = {
    '0': 'run here on drawn scenes, no benchmark',
    **dict.fromkeys(('200', '201', '202', '203'), 'run here, see the table above'),
}
"""Experiments of which every setting is in the files of results, if not with every seed."""


FRONT_PAGE = DOCS.parent / 'README.md'
FRONT = {
    'source only': ('demo/procstreet2camvid_source_only', None),
    'DAFormer': ('demo/procstreet2camvid_daformer', ('6', 'daformer_sepaspp')),
    'HRDA': ('demo/procstreet2camvid_hrda', ('40', 'GTA')),
    'DIDA': ('demo/procstreet2camvid_dida', ('7', 'GTA')),
    'MIC on HRDA; on DAFormer': ('demo/procstreet2camvid_mic', ('80', 'GTA')),
    'best combination, 3,000 iterations': ('demo/procstreet2camvid_best', None),
    'trained with target labels': ('demo/procstreet2camvid_target_only', None),
}
"""Row of the table of the front page -> configuration, and the experiment that has the published score."""


def front(text: str) -> str:
    """The front page with the table of today; raises DataError where it lacks its marks."""
    results, screening = read_json(DOCS / 'results.json'), read_json(DOCS / 'screening.json')
    rows = []
    for title, (name, published) in FRONT.items():
        scores, seeds = measured(name, results['runs'], screening)
        score = f'{TABLE[published[0]].published[published[1]].score:.1f}' if published else '-'
        here = (scores.get(network, '-') for network in ('student', 'teacher'))
        rows.append((title, score, NOT_RUN if published else '-', *here, str(seeds)))
    heads = [
        'method',
        'GTA → Cityscapes: published',
        'here',
        'ProcStreet → CamVid, here: student',
        'teacher',
        'seeds',
    ]
    return replaced(text, '<!-- results front -->', f'\n{markdown_table(heads, rows)}\n', FRONT_PAGE)


def filled(text: str) -> str:
    """The page with the tables of today; raises DataError where it lacks the marks of one."""
    for name, table in tables().items():
        text = replaced(text, f'<!-- zoo {name} -->', f'\n{table}\n', PAGE)
    return text


def tables() -> dict[str, str]:
    """The tables by the name of their mark."""
    return {'configurations': configurations(), 'experiments': experiments()}


def configurations() -> str:
    """Every shipped configuration, what its first line says, and what was measured here."""
    results, screening = read_json(DOCS / 'results.json'), read_json(DOCS / 'screening.json')
    rows = [
        (
            f'[{name}](../configs/{name}.py)',
            first_line(path).replace('|', '\\|'),
            here(name, results['runs'], screening),
        )
        for name, path in shipped_configs().items()
    ]
    return markdown_table(['configuration', 'what', 'here (mIoU)'], rows)


def first_line(path: Path) -> str:
    """The first sentence of a configuration's comment."""
    text = path.read_text(encoding='utf-8')
    comment = ' '.join(line[2:] for line in text.split('\n_base_')[0].splitlines() if line.startswith('# '))
    return comment.partition('. ')[0].rstrip('.')


def here(name: str, runs: Sequence[Mapping[str, Any]], screening: Sequence[Mapping[str, Any]]) -> str:
    """'run here' with the scores of student and teacher, or 'not run'.

    Raises:
        LookupError: the files of results no longer have the runs that are named above.
    """
    if name not in METHODS and name not in SCREENED:
        return DRAWN.get(name, NOT_RUN)
    scores, count = measured(name, runs, screening)
    parts = ', '.join(f'{network} {score}' for network, score in scores.items())
    return f'run here: {parts} ({count} {"seeds" if count > 1 else "seed"})'


def measured(
    name: str, runs: Sequence[Mapping[str, Any]], screening: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, str], int]:
    """Mean and spread of student and teacher of a configuration (all 250 pictures), and the number of seeds.

    Raises:
        LookupError: as of :func:`here`.
    """
    if name in METHODS:
        found = [{network: run[network] for network in ('student', 'teacher')}
                 for run in runs if run['method'] == METHODS[name]]  # fmt: skip
    else:
        found = [{network: scores['all']['mIoU'] for network, scores in run['scores'].items()}
                 for run in screening if SEED.sub('', run['title']) == SCREENED[name]]  # fmt: skip
    if not found:
        raise LookupError(f'{name}: found none of its runs in docs/results.json and docs/screening.json.')
    scores = {}
    for network in ('student', 'teacher'):
        values = [run[network] for run in found if run.get(network) is not None]
        if values:
            spread = statistics.stdev(values) if len(values) > 1 else None
            scores[network] = with_spread(statistics.mean(values), spread)
    return scores, len(found)


def experiments() -> str:
    """Every id with what its paper reports, and whether it was run here."""
    rows = []
    for entry in describe_experiments():
        own = entry['paper'] in ('Demo', 'Real pictures')
        scores = '; '.join(f'{name} {score:g}' for name, score in entry['published_miou'].items())
        where = f'{entry["paper"]}, {entry["table"]}' if entry['table'] != '-' else entry['paper']
        run = RUN_HERE.get(entry['id'], NOT_RUN)
        rows.append((entry['id'], where, entry['title'], str(entry['runs']), '' if own else scores, run))
    return markdown_table(['id', 'paper', 'what', 'runs', 'published mIoU', 'here'], rows)
