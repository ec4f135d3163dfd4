"""Pretrained weights of timm's networks: from files of timm, of the networks' authors, and of EfficientNet packages.

timm itself knows many layouts, drops what is not needed, and resamples position embeddings and patches to the sizes of
the network that is built; here a file is read safely, handed to it, and the result is taken over.
"""

import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from mmseg.errors import CheckpointError
from mmseg.models.backbones.low_rank import plain_keys
from mmseg.models.backbones.timm_networks import Request, create, load_timm
from mmseg.models.weights.selection import unwrap
from mmseg.models.weights.state import some

OWN_PREFIX = 'encoder.'
SEGMENTOR_PREFIX = f'backbone.{OWN_PREFIX}'

_PLAIN_NAMES = {
    '_conv_stem': 'conv_stem',
    '_bn0': 'bn1',
    '_conv_head': 'conv_head',
    '_bn1': 'bn2',
    '_fc': 'classifier',
}
_SEPARABLE_BLOCK = {'_depthwise_conv': 'conv_dw', '_bn1': 'bn1', '_project_conv': 'conv_pw', '_bn2': 'bn2'}
_INVERTED_BLOCK = {
    '_expand_conv': 'conv_pw',
    '_bn0': 'bn1',
    '_depthwise_conv': 'conv_dw',
    '_bn1': 'bn2',
    '_project_conv': 'conv_pwl',
    '_bn2': 'bn3',
}
_SQUEEZE_EXCITE = {'_se_reduce': 'se.conv_reduce', '_se_expand': 'se.conv_expand'}


def load_encoder(
    encoder: nn.Module,
    request: Request,
    plain: bool,
    out_indices: Sequence[int] | None,
    state: Mapping[str, Tensor],
    path: Path,
) -> None:
    """Put pretrained weights into an encoder.

    Args:
        encoder: as :func:`~mmseg.models.backbones.timm_networks.create` made it from the next three; layers that were
            added to it keep their values.
        request, plain, out_indices: how it was made.
        state: content of the file: a network of timm, in any layout that timm reads; one of the efficientnet_pytorch
            packages; or an encoder of this project, alone or in a segmentor.
        path: the file, for messages.

    Raises:
        CheckpointError: the file belongs to another network. The encoder is unchanged then.
    """
    state = unwrap(dict(state))
    for prefix in (SEGMENTOR_PREFIX, OWN_PREFIX):
        own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        if own:
            _take_over(encoder, own, request.model_name, path)
            return
    # What timm fills is initialised first, and what it reports has been checked then.
    with torch.random.fork_rng(devices=[]), _silent('timm'):
        state = _in_timms_names(request, state)
        _check(request, state, path)
        weights = {'pretrained': True, 'pretrained_cfg_overlay': {'state_dict': state}}
        filled = create(request, plain, out_indices, **weights)
    _take_over(encoder, filled.state_dict(), request.model_name, path)


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """No log lines of a library for a while."""
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _take_over(encoder: nn.Module, state: Mapping[str, Tensor], model_name: str, path: Path) -> None:
    """Values of an encoder of the same make; adapters that only one of the two has are left out."""
    own = encoder.state_dict()
    if own.keys() != state.keys():
        own, state = plain_keys(own), plain_keys(state)
    missing = [key for key in own if key not in state]
    foreign = [key for key in state if key not in own]
    wrong = [key for key, value in own.items() if key in state and state[key].shape != value.shape]
    _refuse(model_name, path, missing, foreign, wrong)
    with torch.no_grad():
        for key, value in own.items():
            value.copy_(state[key])


def _check(request: Request, state: Mapping[str, Tensor], path: Path) -> None:
    """Whether a file holds the whole network, by timm's own filters, without memory for the network.

    A classification layer may have any number of classes, or be absent.
    """
    errors = []
    for classes in _numbers_of_classes(request.model_name, state):
        overlay = {'state_dict': dict(state), 'num_classes': classes, 'label_offset': 0}
        try:
            with warnings.catch_warnings(), torch.device('meta'):
                warnings.simplefilter('ignore')  # 'copying to a meta parameter is a no-op', which is the idea
                load_timm().create_model(
                    request.model_name, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=classes,
                    **request.arguments,
                )  # fmt: skip
            return
        except Exception as error:  # filters fail in many ways at files of other networks
            errors.append(str(error))
    message = min(errors, key=len)
    missing, foreign = (_listed(start, message) for start in ('Missing', 'Unexpected'))
    _refuse(
        request.model_name, path, missing, foreign, re.findall(r'size mismatch for (\S+):', message), message
    )


def _listed(start: str, message: str) -> list[str]:
    """Keys in quotes that follow in an error of ``load_state_dict``."""
    found = re.search(rf'{start} key\(s\) in state_dict: (.*)', message)
    return re.findall(r'"([^"]+)"', found[1]) if found else []


def _numbers_of_classes(model_name: str, state: Mapping[str, Tensor]) -> list[int]:
    """Numbers of classes that the file may have: that of its last layer, whatever that is called, and none."""
    told = getattr(load_timm().get_pretrained_cfg(model_name), 'classifier', None) or ()
    names = {*([told] if isinstance(told, str) else told), 'head', 'head.fc', 'fc', 'classifier'}
    found = [state[f'{name}.weight'].shape[0] for name in names if f'{name}.weight' in state]
    return [*dict.fromkeys([*found, 0])]


def _in_timms_names(request: Request, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Renames the layout of the efficientnet_pytorch packages."""
    if not any(key.startswith('_blocks.') for key in state):
        return state
    with torch.device('meta'):
        blocks = getattr(load_timm().create_model(request.model_name, **request.arguments), 'blocks', ())
    return convert_efficientnet_keys(
        state, [len(stage) for stage in blocks if isinstance(stage, nn.Sequential)]
    )


def convert_efficientnet_keys(state: Mapping[str, Tensor], depths: Sequence[int]) -> dict[str, Tensor]:
    """Rename the keys of the ``efficientnet_pytorch`` family of packages to timm's.

    That layout numbers all blocks in one list (``_blocks.3._expand_conv.weight``), timm by stage
    (``blocks.2.0.conv_pw.weight``). A block without expansion is timm's depthwise-separable block, whose
    projection carries another name.

    Args:
        state: flat state dict in that layout.
        depths: number of blocks of each stage, in order.

    Returns:
        A new dict with timm keys. Keys of neither layout are kept as they are.
    """
    places = [(stage, index) for stage, depth in enumerate(depths) for index in range(depth)]
    expanded = {int(m[1]) for m in (re.match(r'_blocks\.(\d+)\._expand_conv\.', key) for key in state) if m}

    def rename(key: str) -> str:
        block = re.match(r'_blocks\.(\d+)\.(\w+)\.(.+)', key)
        if block and int(block[1]) < len(places):
            number, part, rest = int(block[1]), block[2], block[3]
            names = (_INVERTED_BLOCK if number in expanded else _SEPARABLE_BLOCK) | _SQUEEZE_EXCITE
            stage, index = places[number]
            return f'blocks.{stage}.{index}.{names.get(part, part)}.{rest}'
        part, _, rest = key.partition('.')
        return f'{_PLAIN_NAMES.get(part, part)}.{rest}' if rest else key

    return {rename(key): value for key, value in state.items()}


def _refuse(
    model_name: str,
    path: Path,
    missing: Sequence[str],
    foreign: Sequence[str],
    wrong: Sequence[str],
    said: str = '',
) -> None:
    """Raise if something does not fit."""
    if not (missing or foreign or wrong or said):
        return
    reason = (
        f'{len(missing)} keys missing ({some(missing)}), {len(foreign)} unknown ({some(foreign)}), {len(wrong)} of '
        f'another shape ({some(wrong)})'
    )
    raise CheckpointError(
        f"{path} does not hold weights of '{model_name}': {reason if missing or foreign or wrong else said}. Expected "
        'a file for this network that timm reads (its own, or that of the authors), or one of the efficientnet_pytorch '
        'packages; give the file that belongs to this network.'
    )
