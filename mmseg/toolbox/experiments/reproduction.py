"""A table of a paper again: which runs make it, what they need, what they cost."""

import json
import math
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmseg.config import load_config
from mmseg.config.translate import train_settings
from mmseg.engine.build import build_trainable, to_dict
from mmseg.errors import CheckpointError, UsageError, UserError
from mmseg.models.weights import resolve_weights
from mmseg.toolbox.checking.configured import check_config_data
from mmseg.toolbox.experiments.generate import Values, compose_all
from mmseg.toolbox.experiments.outcomes import LeftOut, Outcome, read_outcomes, setting_of
from mmseg.toolbox.experiments.rows import Experiment
from mmseg.toolbox.experiments.table import TABLE

PAPERS = {'daformer': 'DAFormer', 'hrda': 'HRDA', 'dida': 'DIDA', 'mic': 'MIC', 'procstreet': 'Real pictures'}
"""Words of the command line -> papers; the last is this project's own."""

NAMED = re.compile(r'(Tables?|Figure) (.+)')
LOOKED_AT = 8
"""Pictures and labels of each data set that the check reads."""

PASSES = {'plain': 3.0, 'adapted': 7.3, 'masked': 3.0}
"""Forward passes of a step, a backward pass counted as two: supervised; self-training (source, mixed, teacher, frozen
encoder); what masked consistency adds."""
REFERENCE_HOURS = {
    'network': (16.0, 'DAFormer on one RTX 2080 Ti'),
    'hrda': (32.0, 'HRDA on one Titan RTX'),
}
"""Hours of 40,000 adapted steps with batch 2, as its authors told (docs/methods/published-results.md#training-cost)."""
OWN_SECONDS = {'plain': 0.3, 'adapted': 0.8, 'hrda': 0.95}
"""Seconds of CPU time of a step on one core of an EPYC, of ProcStreet -> CamVid (docs/results.md)."""


@dataclass(frozen=True)
class Part:
    """Runs of one experiment that belong to a table.

    Attributes:
        experiment: id.
        only: patterns of their names; empty takes all.
    """

    experiment: str
    only: tuple[str, ...] = ()

    def configs(self) -> list[Values]:
        """Generated configurations of the runs."""
        found = compose_all(TABLE[self.experiment])
        return [cfg for cfg in found if not self.only or any(fnmatchcase(cfg['name'], p) for p in self.only)]


MADE_OF_PARTS = {
    ('daformer', '6'): (Part('6', ('*_dacs_*_daformer_sepaspp_mitb5_*',)), Part('daformer-7')),
    ('procstreet', 'methods'): (Part('201'), Part('202'), Part('200', ('*_dacs_*', '*_target_only_*'))),
}
"""Tables that are no whole experiment."""


@dataclass(frozen=True)
class Estimate:
    """What a table costs.

    Attributes:
        each: (runs, hours of one of them) for each experiment.
        basis: where the hours come from.
        disk: bytes of checkpoints that are kept.
        free: bytes that are free where they would be written.
    """

    each: tuple[tuple[int, float], ...]
    basis: str
    disk: int
    free: int

    @property
    def runs(self) -> int:
        """Number of runs."""
        return sum(runs for runs, _ in self.each)

    @property
    def hours(self) -> float:
        """Of one GPU (or core), all runs together."""
        return sum(runs * hours for runs, hours in self.each)

    def with_several(self, at_once: int) -> float:
        """Hours where so many runs of an experiment go on at the same time, and one experiment follows the other."""
        return sum(math.ceil(runs / at_once) * hours for runs, hours in self.each)


def tables_of(paper: str) -> dict[str, tuple[Part, ...]]:
    """What makes each table of a paper, by its name: '1', 's1', 'figure-4', or the id of an experiment.

    Raises:
        UsageError: there is no such paper.
    """
    if paper not in PAPERS:
        raise UsageError(f'There is no paper {paper!r}; expected one of {", ".join(PAPERS)}.')
    found: dict[str, tuple[Part, ...]] = {}
    for experiment in (entry for entry in TABLE.values() if entry.paper == PAPERS[paper]):
        for name in _names(experiment):
            found[name] = (*found.get(name, ()), Part(experiment.id))
    return found | {table: parts for (one, table), parts in MADE_OF_PARTS.items() if one == paper}


def parts_of(paper: str, table: str) -> tuple[Part, ...]:
    """What makes a table: named as by :func:`tables_of`, or any experiment of the paper by its id.

    Raises:
        UsageError: the paper has no such table; names those it has.
    """
    tables = tables_of(paper)
    known = {exp: (Part(exp),) for exp, entry in TABLE.items() if entry.paper == PAPERS[paper]} | tables
    if table.lower() not in known:
        raise UsageError(
            f'{paper} has no table {table!r}; expected one of {", ".join(tables)}, or the id of an experiment: '
            f'{", ".join(exp for exp in known if exp not in tables)}.'
        )
    return known[table.lower()]


def _names(experiment: Experiment) -> Iterator[str]:
    named = NAMED.fullmatch(experiment.table)
    if not named:
        yield experiment.id
        return
    for text in named[2].split(', '):
        first, _, last = text.partition('-')
        numbers = [str(n) for n in range(int(first), int(last) + 1)] if last else [text.lower()]
        yield from (f'figure-{number}' if named[1] == 'Figure' else number for number in numbers)


def experiment_words(part: Part) -> list[str]:
    """The arguments of ``run_experiments.py`` that choose the runs."""
    return ['--exp', part.experiment, *(['--only', *part.only] if part.only else [])]


def problems(parts: Sequence[Part]) -> list[str]:
    """What is missing of data and weights: one text each, as the checks tell it; empty if all is there."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    for cfg, _ in _settings(parts):
        values = to_dict(cfg)
        key = json.dumps(values['data'], sort_keys=True, default=str)
        if key not in seen:
            seen.add(key)
            for report in check_config_data(values['data'], LOOKED_AT):
                found |= dict.fromkeys(finding.text for finding in report.findings if finding.wrong)
                found |= dict.fromkeys(f.text for split in report.splits for f in split.findings if f.wrong)
        for source in _weights(values):
            try:
                resolve_weights(source)
            except CheckpointError as error:
                found[str(error)] = None
    return list(found)


def estimate(parts: Sequence[Part], folder: Path) -> Estimate:
    """Hours and disk of all runs.

    Args:
        parts: of the table.
        folder: where the work folders would be.
    """
    each, disk = [], 0
    bases: dict[str, None] = {}
    for part in parts:
        hours, runs = 0.0, 0
        for cfg, seeds in _settings([part]):
            seconds, basis = seconds_of_a_step(cfg, TABLE[part.experiment].paper)
            bases[basis] = None
            hours += seeds * seconds * int(cfg.runner.max_iters) / 3600
            disk += seeds * bytes_of_run(cfg)
            runs += seeds
        each.append((runs, hours / runs))
    place = next(parent for parent in (folder, *folder.resolve().parents) if parent.is_dir())
    return Estimate(tuple(each), '; '.join(bases), disk, shutil.disk_usage(place).free)


def seconds_of_a_step(cfg: Config, paper: str) -> tuple[float, str]:
    """Seconds that a step of a configuration takes, and where that comes from."""
    method = cfg.get('uda') or {}
    kind = 'adapted' if method else 'plain'
    hrda = str(cfg.model.type).startswith('HRDA')
    if paper == PAPERS['procstreet']:
        return OWN_SECONDS[
            'hrda' if hrda and method else kind
        ], 'CPU time on one core of an EPYC (docs/results.md)'
    passes = PASSES[kind] + (PASSES['masked'] if method.get('mask_mode') else 0)
    hours, source = REFERENCE_HOURS['hrda' if hrda else 'network']
    batch = int(cfg.data.samples_per_gpu) / 2
    return (
        hours * 3600 / 40000 * batch * passes / PASSES['adapted'],
        f'{hours:g} hours of {source}, as told by its authors, scaled by passes and batch',
    )


def bytes_of_run(cfg: Config) -> int:
    """Bytes of the checkpoints that a run keeps: weights, buffers, two moments of what is trained."""
    settings = train_settings(cfg)
    with torch.device('meta'):
        trainable = build_trainable(settings, 'meta', initialise=False)
    stored = trainable.stored()
    kept = sum(tensor.numel() * tensor.element_size() for tensor in stored.state_dict().values())
    moments = sum(2 * 4 * p.numel() for p in stored.parameters() if p.requires_grad)
    written = max(settings.max_iters // max(settings.checkpoint_interval, 1), 1)
    limit = settings.max_keep_ckpts
    return (kept + moments) * (min(written, limit) if limit > 0 else written)


def collected(parts: Sequence[Part]) -> tuple[list[Outcome], list[LeftOut]]:
    """What there is of the runs by now; empty lists before the first one."""
    outcomes: list[Outcome] = []
    left: list[LeftOut] = []
    for part in parts:
        try:
            found, others = read_outcomes([part.experiment])
        except UserError:  # no run yet
            continue
        names = {setting_of(cfg['name'], cfg['seed']) for cfg in part.configs()}
        outcomes += [run for run in found if run.setting in names]
        left += others
    return outcomes, left


def _settings(parts: Sequence[Part]) -> Iterator[tuple[Config, int]]:
    """The merged configuration of each setting, with its first seed, and how many seeds it has."""
    for part in parts:
        settings: dict[str, list[Values]] = {}
        for values in part.configs():
            settings.setdefault(setting_of(values['name'], values['seed']), []).append(values)
        for runs in settings.values():
            yield load_config(runs[0], check=False), len(runs)


def _weights(values: Any) -> Iterator[str]:
    """All sources of pretrained weights of a configuration."""
    if isinstance(values, dict):
        for key, value in values.items():
            if key in ('pretrained', 'checkpoint') and isinstance(value, str):
                yield value
            else:
                yield from _weights(value)
    elif isinstance(values, list):
        for value in values:
            yield from _weights(value)
