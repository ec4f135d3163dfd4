"""Putting weights into a network, and what is said when they do not fit."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from mmseg.errors import CheckpointError, ConfigError
from mmseg.models.weights.layouts import LAYOUTS, canonical, encoder_weights, layout_of
from mmseg.models.weights.reading import load_weights
from mmseg.models.weights.recognition import describe
from mmseg.models.weights.selection import unwrap
from mmseg.models.weights.sources import resolve_weights
from mmseg.models.weights.state import State, some

logger = logging.getLogger('mmseg')


class Stateful(Protocol):
    """What has weights: a module."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors by key."""

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> object:
        """Take them over."""


@dataclass(frozen=True)
class LoadReport:
    """What happened when weights were put into a network.

    Attributes:
        missing: keys of the network that the file lacks; they kept their values.
        unexpected: keys of the file that the network does not have; they were left out.
        matched: keys that got the value of the file.
    """

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()

    def text(self) -> str:
        """One line with numbers, and names of what did not fit."""
        total = len(self.matched) + len(self.missing)
        parts = [f'{len(self.matched)} of {total} keys of the network matched']
        if self.missing:
            parts.append(f'missing keys: {some(self.missing)}')
        if self.unexpected:
            parts.append(f'unexpected keys: {some(self.unexpected)}')
        return '; '.join(parts)


def load_into(
    module: Stateful,
    state: State,
    path: str | Path = 'checkpoint',
    allow_missing: bool = False,
    ignored: Iterable[str] = (),
) -> LoadReport:
    """Put weights into a network; nothing is changed if they do not fit.

    Args:
        module: the network.
        state: tensors by key.
        path: name of the file, for messages.
        allow_missing: accept (and warn about) keys of the network that the file lacks.
        ignored: prefixes of keys in the file that are left out without a warning.

    Returns:
        The keys that matched and those without counterpart; the latter are also logged as a warning.

    Raises:
        CheckpointError: a shape differs, no key fits, or keys are missing and that is not allowed.
    """
    own = module.state_dict()
    state = {key: value for key, value in state.items() if not key.startswith(tuple(ignored))}
    wrong = [
        f'{key} (file {tuple(state[key].shape)}, network {tuple(value.shape)})'
        for key, value in own.items()
        if key in state and state[key].shape != value.shape
    ]
    missing = tuple(key for key in own if key not in state and not _dispensable(key, own))
    unexpected = tuple(key for key in state if key not in own)
    if wrong:
        raise CheckpointError(f'{_wrong_network(path, state, module)} Shapes differ: {some(wrong)}.')
    if len(unexpected) == len(state) or (missing and not allow_missing):
        raise CheckpointError(
            f'{_wrong_network(path, state, module)} Missing in the file: {some(missing)}. '
            f'Not in the network: {some(unexpected)}. Use the configuration the file was trained with.'
        )
    module.load_state_dict(state, strict=False)
    report = LoadReport(missing, unexpected, tuple(key for key in own if key in state))
    logger.log(logging.WARNING if missing or unexpected else logging.DEBUG, '%s: %s.', path, report.text())
    return report


def load_pretrained(module: nn.Module, source: str | Path, ignored: Iterable[str] = ()) -> LoadReport:
    """Load a backbone's pretrained weights; keys that the file lacks keep their values and are logged.

    The file may be a backbone's, in any layout of :data:`~mmseg.models.weights.layouts.LAYOUTS`, or a segmentor's,
    whose backbone is taken.

    Raises:
        CheckpointError: see :func:`load_weights` and :func:`load_into`.
    """
    state = unwrap(load_weights(resolve_weights(source)))
    layout = layout_of(state)
    if layout is not None:
        logger.info('%s has the layout of %s; its keys are renamed.', source, LAYOUTS[layout].title)
    weights = encoder_weights(canonical(state, source))
    report = load_into(module, weights, source, allow_missing=True, ignored=ignored)
    logger.info('Loaded pretrained weights %s into %s.', source, type(module).__name__)
    return report


def pretrained_path(pretrained: str | None, init_cfg: Mapping[str, Any] | None) -> str | None:
    """The weight source given by either of the two published keys, or None.

    Raises:
        ConfigError: both are given, or ``init_cfg`` is not ``dict(type='Pretrained', checkpoint=...)``.
    """
    if init_cfg is None:
        return pretrained
    if pretrained is not None:
        raise ConfigError(
            f"backbone: give 'pretrained' ({pretrained}) or 'init_cfg' ({dict(init_cfg)}), not both."
        )
    if init_cfg.get('type') != 'Pretrained' or 'checkpoint' not in init_cfg:
        raise ConfigError(
            f"backbone.init_cfg is {dict(init_cfg)}; expected dict(type='Pretrained', checkpoint=PATH)."
        )
    return str(init_cfg['checkpoint'])


def _dispensable(key: str, own: Mapping[str, object]) -> bool:
    """Whether a network works the same without this entry of the file.

    Files older than torch 0.4.1 have no counter of batches; torch then starts it at zero. SegFormer's head has a
    ``conv_seg`` that is not used (docs/methods/heads.md#segformerhead), which other programs do not store.
    """
    head, _, rest = key.partition('conv_seg.')
    return key.endswith('num_batches_tracked') or (bool(rest) and f'{head}linear_pred.{rest}' in own)


def _wrong_network(path: str | Path, state: State, module: Stateful) -> str:
    """What the file looks like, beside what the configuration asks for."""
    found, wanted = describe(state), describe(module.state_dict())
    if found is None or wanted is None or found == wanted:
        return f'{path} belongs to another network than this {type(module).__name__}.'
    return f'{path} looks like {found}; the configuration has {wanted}.'
