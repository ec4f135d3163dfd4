"""Stored experiment tables: what the published generators returned, and what it means after merging.

A case holds all runs of an id. Where some of them are not generated, it compares the others and then fails, saying how
many are missing.
"""

import json
import lzma
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from mmseg.config import load_config, resolved
from mmseg.registry import MODELS, PARTS
from mmseg.toolbox.experiments import TABLE
from mmseg.toolbox.experiments.generate import compose_all
from mmseg.toolbox.experiments.rows import AnyRow, Row
from mmseg.uda.adaptation import Adaptation
from mmseg.uda.published import KEYS
from tests.parity.core import Case, Check, family, stem

DEBUG_INTERVAL = 1000
"""Published iterations between debug pictures."""


@family('experiments/*.json')
def generated(file: Path, root: Path) -> Iterator[Case]:
    """``{id: [configuration, ...]}`` of one project, which the file's name tells."""
    for number, configs in json.loads(file.read_text()).items():
        yield Case(
            f'{stem(file, root)}/{number}',
            lambda check, n=number, want=configs: _compare_generated(check, file.stem, n, want),
        )


@family('experiments/*.json.xz')
def merged(file: Path, root: Path) -> Iterator[Case]:
    """``{project: {id: {name without seed: configuration}}}``, base files merged."""
    with lzma.open(file, 'rt') as stream:
        projects = json.load(stream)
    for project, numbers in projects.items():
        for number, configs in numbers.items():
            yield Case(
                f'{stem(file, root)}/{project}/{number}',
                lambda check, p=project, n=number, want=configs: _compare_merged(check, p, n, want),
            )


def _listed(project: str, number: str) -> list[dict[str, Any]]:
    """What this version generates for a published id; the id may be another one here (daformer-7)."""
    found = [e for e in TABLE.values() if e.paper.lower() == project and str(e.exp) == number]
    if project == 'dida' and not found:
        # DIDA's program lists DAFormer's tables again, with more checkpoints.
        found = [e for e in TABLE.values() if e.paper == 'DAFormer' and e.id == number]
        found = [replace(e, rows=tuple(_with_check_ups(row) for row in e.rows)) for e in found]
    configs = compose_all(found[0]) if found else []
    for config in configs:
        if project == 'dida':
            # The published program has the options of the bank in its code.
            config.get('uda', {}).pop('instance_bank', None)
    return configs


def _with_check_ups(row: AnyRow) -> AnyRow:
    return replace(row, check_ups=25) if isinstance(row, Row) else row


def _compare_generated(check: Check, project: str, number: str, want: list[dict[str, Any]]) -> None:
    got = _listed(project, number)
    if project == 'dida':
        # Of DAFormer's Table 7 it keeps one run.
        got = [cfg for cfg in got if cfg['name'] in {theirs['name'] for theirs in want}]
    names = [cfg['name'] for cfg in got]
    present = [cfg for cfg in want if cfg['name'] in names]
    check.equal('names in order', names, [cfg['name'] for cfg in present])
    for ours, theirs in zip(got, present, strict=False):
        check.equal(theirs['name'], differences(_plain(ours), _plain(theirs)), [])
    _check_complete(check, [cfg['name'] for cfg in want], names)


def _compare_merged(check: Check, project: str, number: str, want: dict[str, Any]) -> None:
    got = {cfg['name']: cfg for cfg in _listed(project, number)}
    wanted = {f'{name}_s{theirs["seed"]}': theirs for name, theirs in want.items()}
    for name, theirs in wanted.items():
        if name in got:
            ours = resolved(load_config(got[name]))
            check.equal(name, differences(_meant(ours), _meant(theirs)), [])
    _check_complete(check, list(wanted), list(got))


def _meant(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration without the method's options that have their default value.

    The later papers' base files spell out options that the earlier ones do not know; here they share one file. For the
    same reason ``log_config.img_interval``, MIC's other name of ``uda.debug_img_interval``, may be left out.
    """
    values = _plain(config)
    log = dict(values.get('log_config') or {})
    if log.pop('img_interval', None) == (values.get('uda') or {}).get('debug_img_interval', DEBUG_INTERVAL):
        values['log_config'] = log
    uda = values.get('uda') or {}
    kind = MODELS.get(uda['type']) if uda else None
    if kind is None:
        return values
    defaults = _defaults(kind)
    kept = {key: value for key, value in uda.items() if key not in defaults or value != defaults[key]}
    return {**values, 'uda': kept}


def _defaults(method: type[Adaptation]) -> dict[str, Any]:
    """Default of each option, and of each published key of the method's parts; the one that switches a part is off."""
    found = {option.name: option.default for option in fields(method.Options)}
    for part in method.PUBLISHED:
        keys = KEYS[part]
        known = {option.name: option.default for option in fields(PARTS.component(part).Options)}
        known[keys.switch] = keys.off[0]
        found |= {key: known[option] for key, option in keys.options.items()}
    return found


def _check_complete(check: Check, want: list[str], got: list[str]) -> None:
    missing = [name for name in want if name not in got]
    compared = len(want) - len(missing)
    check.true(
        'complete',
        not missing,
        f'{len(missing)} of {len(want)} configurations are not generated, e.g. {missing[:1]}; {compared} compared',
    )


def differences(ours: Any, theirs: Any, place: str = '') -> list[str]:
    """Places where two plain values differ."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return [] if ours == theirs else [f'{place}: {ours!r}, expected {theirs!r}']
    found = [f'{place}.{key}: not expected' for key in ours if key not in theirs]
    found += [f'{place}.{key}: missing' for key in theirs if key not in ours]
    for key in theirs:
        if key in ours:
            found += differences(ours[key], theirs[key], f'{place}.{key}'.lstrip('.'))
    return found


def _plain(value: Any) -> Any:
    """Tuples as lists, infinity as 'inf', as JSON files hold them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return 'inf' if value == float('inf') else value
