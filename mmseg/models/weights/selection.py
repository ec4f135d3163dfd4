"""Choosing one network of a checkpoint by anchored prefixes (docs/methods/tools.md#test-program and #checkpoints)."""

import re
from pathlib import Path

from mmseg.errors import CheckpointError
from mmseg.models.weights.layouts import canonical
from mmseg.models.weights.state import State, some

NETWORK_PREFIXES = {'student': 'model.', 'teacher': 'ema_model.', 'frozen': 'imnet_model.'}
"""Network of a self-training checkpoint -> prefix of its keys."""

_WRAPPERS = re.compile(r'^(?:module\.|_orig_mod\.)+')
"""What DataParallel, DistributedDataParallel and torch.compile put in front of keys."""
_NO_WEIGHTS = ('data_preprocessor.',)
"""Entries that mmsegmentation 1.x adds: mean and deviation of the pixels, which our pipelines do."""


def unwrap(state: State) -> State:
    """Keys without the prefixes of wrappers, and without entries that belong to no network."""
    plain = {_WRAPPERS.sub('', key): value for key, value in state.items()}
    return {key: value for key, value in plain.items() if not key.startswith(_NO_WEIGHTS)}


def networks_in(state: State) -> list[str]:
    """Names of the networks of a self-training checkpoint; empty for one of a plain network."""
    keys = list(unwrap(state))
    return [name for name, prefix in NETWORK_PREFIXES.items() if any(key.startswith(prefix) for key in keys)]


def select_network(state: State, network: str = 'student', path: str | Path = 'checkpoint') -> State:
    """The weights of one segmentor out of a checkpoint, with the segmentor's own keys.

    Prefixes are anchored: what wrappers put in front is removed; then a training checkpoint's ``model.`` (student),
    ``ema_model.`` (teacher) or ``imnet_model.`` (frozen) entries are taken. A checkpoint without these prefixes is the
    student itself. Other layouts are renamed (:func:`~mmseg.models.weights.layouts.canonical`).

    Args:
        state: tensors by key.
        network: 'student', 'teacher' or 'frozen'.
        path: name of the file, for messages.

    Raises:
        CheckpointError: the checkpoint has no such network.
    """
    state = unwrap(state)
    prefix = NETWORK_PREFIXES[network]
    chosen = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    if chosen:
        return canonical(unwrap(chosen), path)
    held = networks_in(state)
    if network == 'student' and not held:
        return canonical(state, path)
    if held:
        advice = f'It holds {" and ".join(held)}; use --network {held[0]}.'
    else:
        advice = 'Only checkpoints of self-training have one; use --network student.'
    raise CheckpointError(
        f"{path} has no {network}: no key starts with '{prefix}' (its keys are {some(state)}). {advice}"
    )
