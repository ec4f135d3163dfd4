"""Cases ``keys/*``: state-dict keys, shapes and their order, and parameter counts."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmseg.config import load_config
from mmseg.config.load import configs_folder
from mmseg.engine.build import build_trainable
from mmseg.errors import UsageError
from mmseg.experiments.architecture import parse_architecture
from mmseg.registry import MODELS
from tests.parity.core import Case, Check, family, stem

INDEX = 'index.json'
META = torch.device('meta')  # shapes only: nothing is allocated or drawn

Values = dict[str, Any]


@family('keys/*.json')
def keys(file: Path, root: Path) -> Iterable[Case]:
    """One case a network; the configuration is what the file's name says, ``index.json`` gives counts."""
    if file.name == INDEX:
        return
    index_file = file.with_name(INDEX)
    index: dict[str, Values] = json.loads(index_file.read_text()) if index_file.exists() else {}

    def run(check: Check) -> None:
        with META:
            network = network_of(file.stem)
        _compare(check, network, json.loads(file.read_text()), index.get(file.stem, {}))

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


def network_of(name: str) -> nn.Module:
    """The network that ``backbone_TYPE``, ``segmentor_ARCHITECTURE_BACKBONE`` or ``uda_METHOD_..._...`` names."""
    kind, _, rest = name.partition('_')
    if kind == 'backbone':
        backbone: nn.Module = MODELS.build({'type': rest})
        return backbone
    tokens = rest.split('_')
    if kind == 'segmentor':
        return _build(_config('_'.join(tokens[:-1]), tokens[-1]))
    if kind == 'uda':
        return _build(_method_config(tokens))
    raise ValueError(f"'{name}' starts with '{kind}'; expected backbone, segmentor or uda")


def _build(cfg: Values) -> nn.Module:
    return build_trainable(cfg, device=META, initialise=False)


def _config(architecture: str, backbone: str, *bases: str) -> Values:
    """The merged configuration of a network, and of what further base files hold."""
    parsed = parse_architecture(architecture, backbone)
    source = {'_base_': [parsed.base_file(), *bases], 'model': parsed.model()}
    return {'runner': {'max_iters': 40000}, **load_config(source, check=False).to_dict()}


def _method_config(tokens: list[str]) -> Values:
    """The first tokens name a file of ``configs/_base_/uda/``, then come architecture and backbone."""
    for cut in range(len(tokens) - 2, 0, -1):
        base = f'_base_/uda/{"_".join(tokens[:cut])}.py'
        if (configs_folder() / base).exists():
            return _config('_'.join(tokens[cut:-1]), tokens[-1], base)
    raise UsageError(f"no file of configs/_base_/uda/ is named like the beginning of '{'_'.join(tokens)}'")
