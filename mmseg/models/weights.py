"""Weight files: reading them safely, choosing student or teacher, and putting them into a network."""

import logging
import pickle
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmseg.errors import CheckpointError, ConfigError

logger = logging.getLogger('mmseg')

State = dict[str, Tensor]

PRETRAINED_FOLDER = Path('pretrained')
ZOO_PREFIX = 'open-mmlab://'
ZOO_URL = 'https://download.openmmlab.com/pretrain/third_party/'
ZOO_FILES = {
    'resnet50_v1c': 'resnet50_v1c-2cccc1ad.pth',
    'resnet101_v1c': 'resnet101_v1c-e67eebb6.pth',
    'resnext50_32x4d': 'resnext50-32x4d-0ab1a123.pth',
    'resnext101_32x4d': 'resnext101_32x4d-a5af3160.pth',
    'resnest50': 'resnest50_d2-7497a55b.pth',
    'resnest101': 'resnest101_d2-f3b931b2.pth',
    'resnest200': 'resnest200_d2-ca88e41f.pth',
}
"""Name after ``open-mmlab://`` -> file (spec/models.md 2.1)."""

NETWORK_PREFIXES = {'student': 'model.', 'teacher': 'ema_model.'}

# What torch.load raises for a damaged file depends on where the damage is.
_LOAD_ERRORS = (
    OSError, EOFError, RuntimeError, ValueError, LookupError, AttributeError, TypeError, AssertionError,
    pickle.PickleError, struct.error,
)  # fmt: skip


# Numbers such as a seed or a best score that a training program took from NumPy; older versions have other names.
_NUMPY_NUMBERS: list[Any] = [
    np.dtype,
    *(type(np.dtype(name)) for name in ('bool', 'int32', 'int64', 'float32', 'float64')),
    *((np.float64(0).__reduce__()[0], f'numpy.{core}.multiarray.scalar') for core in ('core', '_core')),
]
_REFUSED = re.compile(r'Unsupported (?:global: GLOBAL|class) (\S+)')


@dataclass(frozen=True)
class LoadReport:
    """What did not fit when weights were put into a network.

    Attributes:
        missing: keys of the network that the file lacks; they kept their values.
        unexpected: keys of the file that the network does not have; they were left out.
    """

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()


def resolve_weights(source: str | Path) -> Path:
    """The local file of a weight source.

    Args:
        source: a path, or ``open-mmlab://NAME`` with a name of :data:`ZOO_FILES`, looked for in ``pretrained/`` and
            in torch's download folder and downloaded otherwise.

    Raises:
        CheckpointError: there is no such file or name.
    """
    text = str(source)
    if text.startswith(ZOO_PREFIX):
        return _resolve_zoo(text.removeprefix(ZOO_PREFIX))
    path = Path(source)
    if not path.is_file():
        found = 'is a folder' if path.is_dir() else 'does not exist'
        raise CheckpointError(
            f'Weight file {path} {found}. Put the file there (pretrained/README.md tells which ImageNet weights come '
            'from where), correct the path (model.pretrained in the '
            'configuration, or the checkpoint argument), or pass --cfg-options model.pretrained=None to train '
            'from scratch.'
        )
    return path


def _resolve_zoo(name: str) -> Path:
    if name not in ZOO_FILES:
        raise CheckpointError(
            f"No weights are known as '{ZOO_PREFIX}{name}'; expected one of {', '.join(ZOO_FILES)}."
        )
    file = ZOO_FILES[name]
    cache = Path(torch.hub.get_dir()) / 'checkpoints'
    for folder in (PRETRAINED_FOLDER, cache):
        if (folder / file).is_file():
            return folder / file
    try:
        cache.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(ZOO_URL + file, str(cache / file), progress=False)
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"Weights '{ZOO_PREFIX}{name}' are neither in {PRETRAINED_FOLDER}/ nor in {cache}, and downloading "
            f'{ZOO_URL}{file} failed ({error}). Get the file on a machine with network access and put it into '
            f'{PRETRAINED_FOLDER}/, or pass --cfg-options model.pretrained=None to train from scratch.'
        ) from error
    return cache / file


def read_checkpoint(path: str | Path) -> Any:
    """Read a checkpoint on the CPU without running code from it.

    Raises:
        CheckpointError: the file is missing, empty, truncated, no checkpoint, or holds other objects than tensors
            and plain values.
    """
    file = resolve_weights(path)
    if file.stat().st_size == 0:
        raise CheckpointError(f'Weight file {file} is empty (0 bytes). Download or copy it again.')
    try:
        with torch.serialization.safe_globals(_NUMPY_NUMBERS):
            return torch.load(file, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        refused = _REFUSED.search(str(error))
        found = f'holds an object of {refused[1]}' if refused else 'is damaged or no PyTorch checkpoint'
        raise CheckpointError(
            f'Weight file {file} {found}. Expected tensors and plain values only: other objects are not loaded '
            'because they could run code. Download or copy it again, or re-save only its state_dict.'
        ) from error
    except _LOAD_ERRORS as error:
        raise CheckpointError(
            f'Weight file {file} ({file.stat().st_size} bytes) cannot be read; it is truncated or no PyTorch '
            f'checkpoint. Download or copy it again. ({_first_line(error)})'
        ) from error


def load_weights(path: str | Path) -> State:
    """Tensors by key: the entry ``state_dict`` of the file if there is one, else ``model``, else the file itself.

    Raises:
        CheckpointError: as :func:`read_checkpoint`, or the content is not a state dict.
    """
    return state_dict_of(read_checkpoint(path), path)


def state_dict_of(content: Any, path: str | Path = 'checkpoint') -> State:
    """Tensors by key out of what :func:`read_checkpoint` returned; raises like :func:`load_weights`."""
    for entry in ('state_dict', 'model'):
        if isinstance(content, Mapping) and isinstance(content.get(entry), Mapping):
            content = content[entry]
            break
    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(
            f'Weight file {path} holds a {type(content).__name__}; expected a state dict (name -> tensor), '
            "possibly under 'state_dict' or 'model'."
        )
    state = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if not state:
        raise CheckpointError(
            f'Weight file {path} holds no tensors; its entries are {_some(map(str, content))}.'
        )
    return state


def select_network(state: State, network: str = 'student', path: str | Path = 'checkpoint') -> State:
    """The weights of one segmentor out of a checkpoint, with the segmentor's own keys.

    Prefixes are anchored: a leading ``module.`` is removed; then a training checkpoint's ``model.`` (student) or
    ``ema_model.`` (teacher) entries are taken. A checkpoint without these prefixes is the student itself.

    Args:
        state: tensors by key.
        network: 'student' or 'teacher'.
        path: name of the file, for messages.

    Raises:
        CheckpointError: the checkpoint has no teacher.
    """
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    prefix = NETWORK_PREFIXES[network]
    chosen = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    if chosen:
        return chosen
    if network == 'student':
        return state
    raise CheckpointError(
        f"{path} has no teacher: no key starts with '{prefix}' (its keys are {_some(state)}). "
        'Only checkpoints of self-training have one; use --network student.'
    )


def load_into(
    module: nn.Module,
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
        The keys that had no counterpart; they are also logged as a warning.

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
    # Files older than torch 0.4.1 have no such counter; torch then starts it at zero.
    missing = tuple(key for key in own if key not in state and not key.endswith('num_batches_tracked'))
    unexpected = tuple(key for key in state if key not in own)
    name = type(module).__name__
    if wrong:
        raise CheckpointError(
            f'{path} belongs to another network than this {name}; shapes differ: {_some(wrong)}.'
        )
    if len(unexpected) == len(state) or (missing and not allow_missing):
        raise CheckpointError(
            f'{path} belongs to another network than this {name}. Missing in the file: {_some(missing)}. '
            f'Not in the network: {_some(unexpected)}. Use the configuration the file was trained with.'
        )
    module.load_state_dict(state, strict=False)
    if missing or unexpected:
        logger.warning('%s: missing keys: %s; unexpected keys: %s', path, _some(missing), _some(unexpected))
    return LoadReport(missing, unexpected)


def load_pretrained(module: nn.Module, source: str | Path, ignored: Iterable[str] = ()) -> LoadReport:
    """Load a backbone's pretrained weights; keys that the file lacks keep their values and are logged.

    Raises:
        CheckpointError: see :func:`load_weights` and :func:`load_into`.
    """
    report = load_into(
        module, load_weights(resolve_weights(source)), source, allow_missing=True, ignored=ignored
    )
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


def _some(keys: Iterable[str], limit: int = 5) -> str:
    """The first few keys and how many more there are."""
    names = list(keys)
    if not names:
        return 'none'
    rest = len(names) - limit
    return ', '.join(names[:limit]) + (f' and {rest} more' if rest > 0 else '')


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
