"""Cases ``keys/*``: state-dict keys, shapes and their order, and parameter counts."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmseg.config import load_config
from mmseg.config.files import configs_folder
from mmseg.config.translate import train_settings
from mmseg.engine.build import build_trainable
from mmseg.errors import UsageError
from mmseg.registry import MODELS
from mmseg.toolbox.experiments import TABLE
from mmseg.toolbox.experiments.generate import base_files, compose
from mmseg.toolbox.experiments.rows import Row
from tests.parity.core import Case, Check, family, stem

INDEX = 'index.json'
CROP = '1024x1024'  # of the published multi-resolution networks; single-scale ones do not depend on it
META = torch.device('meta')  # shapes only: nothing is allocated or drawn

Values = dict[str, Any]


@family('keys/*.json')
def keys(file: Path, root: Path) -> Iterable[Case]:
    """One case a network; the configuration is what the file's name says, ``index.json`` gives counts."""
    if file.name == INDEX:
        return
    index_file = file.with_name(INDEX)
    counts: Values = json.loads(index_file.read_text()).get(file.stem, {}) if index_file.exists() else {}

    def run(check: Check) -> None:
        with META:
            network = network_of(file.stem, counts.get('config_name'))
        _compare(check, network, json.loads(file.read_text()), counts)

    yield Case(stem(file, root), run)


def _compare(check: Check, network: nn.Module, stored: list[Any], counts: Mapping[str, Any]) -> None:
    state = network.state_dict()
    got = [[key, list(value.shape)] for key, value in state.items()]
    differing = next((pair for pair in zip(got, stored, strict=False) if pair[0] != pair[1]), None)
    check.true(
        'keys', differing is None, f'{differing and differing[0]}, expected {differing and differing[1]}'
    )
    found = {
        'entries': len(state),
        'numel': sum(value.numel() for value in state.values()),
        'params': sum(parameter.numel() for parameter in network.parameters()),
    }
    check.equal('entries', found['entries'], len(stored))
    for name, value in found.items():
        if name in counts:
            check.equal(name, value, counts[name])


def network_of(name: str, config_name: str | None = None) -> nn.Module:
    """The network that ``backbone_TYPE``, ``segmentor_ARCHITECTURE_BACKBONE`` or ``uda_METHOD_...`` names.

    Args:
        name: name of the case file.
        config_name: name of the published run, where the index has one.
    """
    kind, _, rest = name.partition('_')
    if kind == 'backbone':
        backbone: nn.Module = MODELS.build({'type': rest})
        return backbone
    tokens = rest.split('_')
    if kind == 'segmentor':
        return _build(_config(Row(_published('_'.join(tokens[:-1])), tokens[-1], 'source-only', crop=CROP)))
    if kind == 'uda':
        # DIDA's run has the name of the DAFormer run it builds on.
        named = None if config_name is None or 'dida' in tokens else _named_config(config_name)
        return _build(named or _method_config(tokens))
    raise ValueError(f"'{name}' starts with '{kind}'; expected backbone, segmentor or uda")


def _build(cfg: Values) -> nn.Module:
    """What checkpoints hold the keys of."""
    return build_trainable(train_settings(cfg), device=META, initialise=False).stored()


def _config(row: Row) -> Values:
    """The merged network and method of a row; data sets play no part."""
    bases = [name for name in base_files(row) if name.startswith(('_base_/models/', '_base_/uda/'))]
    composed = compose(row, 0, 0)
    source = {'_base_': bases, 'model': composed['model'], 'uda': composed.get('uda', {})}
    return {'runner': {'max_iters': row.iters}, **load_config(source, check=False).to_dict()}


def _published(architecture: str) -> str:
    """Names of ablations are shortened: ``hrda_fixedatt-nooverlap_daformer``."""
    if not architecture.startswith('hrda_'):
        return architecture
    _, options, decoder = architecture.split('_', 2)
    return f'hrda1-512-0-{options}_' + ('daformer_sepaspp' if decoder == 'daformer' else decoder)


def _named_config(name: str) -> Values | None:
    """The network and method of a published run, if the experiment table has it."""
    for experiment in TABLE.values():
        for row in experiment.rows:
            if isinstance(row, Row) and any(compose(row, seed, 0)['name'] == name for seed in row.seeds):
                return _config(row)
    return None


def _method_config(tokens: list[str]) -> Values:
    """The first tokens name a file of ``configs/_base_/uda/``, then come architecture and backbone."""
    for cut in range(len(tokens) - 2, 0, -1):
        method = '_'.join(tokens[:cut])
        if (configs_folder() / f'_base_/uda/{method}.py').exists():
            return _config(Row('_'.join(tokens[cut:-1]), tokens[-1], method, crop=CROP))
    raise UsageError(f"no file of configs/_base_/uda/ is named like the beginning of '{'_'.join(tokens)}'")
