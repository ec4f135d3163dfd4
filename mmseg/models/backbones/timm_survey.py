"""How a network of timm is to be used: which pictures it takes, and what its maps are.

Instead of lists of families, the library is asked: a network is built and run without data (device 'meta'), which takes
no memory and draws no random number.
"""

import functools
import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mmseg.errors import ConfigError
from mmseg.models.backbones.any_grid import AnyGrid
from mmseg.models.backbones.timm_networks import Request, check_name, create
from mmseg.models.levels import Levels

logger = logging.getLogger('mmseg')

Size = tuple[int, int]
Run = Callable[[Tensor], Sequence[Tensor]]

ANY_SIZE: tuple[dict[str, Any], ...] = ({'dynamic_img_size': True}, {'strict_img_size': False}, {})
"""Arguments that make networks take pictures of any size, in the order in which they are tried."""
DIVISORS = (1, 2, 4, 8, 14, 16, 32, 64)
"""What sides of pictures may have to be multiples of."""
ROUND: Size = (128, 192)
"""A (height, width) without remainder at any stride."""
ODD: Size = (72, 100)
"""About as large as the other picture that is tried."""
PATCH = 16
"""Side of the patches of plain transformers whose own is no power of two."""


@dataclass(frozen=True)
class Survey:
    """How a network of timm is to be used.

    Attributes:
        request: with the arguments that proved useful.
        plain: a transformer whose maps all have one stride.
        levels: all maps it can give, in timm's order.
        divisor: sides of pictures must be multiples of it.
        fixed_size: the only (height, width) it takes, or None.
        exact: maps have the sizes of pictures divided by strides, where that goes without remainder.
        channels_last: maps are (B, h, w, C).
        any_grid: its positions are resized from outside (:class:`AnyGrid`).
    """

    request: Request
    plain: bool
    levels: Levels
    divisor: int = 1
    fixed_size: Size | None = None
    exact: bool = True
    channels_last: bool = False
    any_grid: bool = False


def runner(network: Any, any_grid: bool) -> Run:
    """What turns images (B, 3, H, W) into the network's own maps."""
    return AnyGrid(network, 'model') if any_grid else network


def survey(request: Request) -> Survey:
    """Find out how a network is to be used.

    Raises:
        ConfigError: timm does not build it with these arguments, or not as an encoder.
    """
    check_name(request.model_name)
    return _survey(request.model_name, json.dumps(dict(request.arguments), sort_keys=True))


@functools.lru_cache(maxsize=64)
def _survey(model_name: str, arguments: str) -> Survey:
    request = Request(model_name, json.loads(arguments))
    try:
        return _found_out(request, 'meta')
    except ConfigError as error:
        if 'meta tensor' not in str(error):
            raise
        return _found_out(request, 'cpu')  # a network that looks at its numbers


def _found_out(request: Request, device: str) -> Survey:
    with torch.random.fork_rng(devices=[]), torch.device(device), torch.no_grad():
        request, plain, levels = _declared(request)
        for candidate in _candidates(Survey(request, plain, levels)):
            found = _tried(candidate)
            if found is not None:
                return found
        return _of_one_size(Survey(request, plain, levels))


def _declared(request: Request) -> tuple[Request, bool, Levels]:
    """Whether it is plain, and its maps as timm tells them; with patches that decoders can count on."""
    network = create(request, False, (0,))
    info = network.feature_info.info
    levels = Levels(
        tuple(level['num_chs'] for level in info), tuple(_stride(level['reduction']) for level in info)
    )
    model = getattr(network, 'model', None)
    needed = ('forward_intermediates', 'prune_intermediate_layers')
    plain = len({str(level['reduction']) for level in info}) == 1 and all(
        hasattr(model, name) for name in needed
    )
    patch = getattr(getattr(model, 'patch_embed', None), 'patch_size', None)
    if plain and patch and 'patch_size' not in request.arguments and any(n & (n - 1) for n in patch):
        try:
            return _declared(request.with_arguments(patch_size=PATCH))
        except ConfigError:  # its patches are what they are; maps are resampled then
            pass
    return request, plain, levels


def _stride(reduction: Any) -> int:
    """The nearest power of two: of patches of 14 pixels, 16, to which maps are resampled."""
    number = reduction[0] if isinstance(reduction, Sequence) else reduction
    return int(2 ** round(math.log2(number)))


def _candidates(start: Survey) -> Iterator[Survey]:
    """Ways to make a network take any size."""
    for arguments in ANY_SIZE:
        yield replace(start, request=start.request.with_arguments(**arguments))
    if start.plain:
        yield replace(start, any_grid=True)


def _tried(candidate: Survey) -> Survey | None:
    """What becomes of a round and of an odd picture; None if this is no way to use the network."""
    try:
        run = _run_of(candidate)
        maps = run(torch.empty(1, 3, *ROUND))
    except Exception:  # networks raise whatever comes if arguments or sizes do not suit them
        return None
    found = _with_maps(candidate, maps)
    sizes = _sizes(maps, found)
    wanted = [(ROUND[0] // stride, ROUND[1] // stride) for stride in found.levels.strides[-len(maps) :]]
    for divisor in DIVISORS:
        if _takes_multiples(run, found, sizes, divisor):
            return replace(found, divisor=divisor, exact=sizes == wanted)
    return None


def _run_of(candidate: Survey) -> Run:
    indices = None if candidate.plain else range(len(candidate.levels.strides))
    network = create(candidate.request, candidate.plain, indices).eval()
    if candidate.any_grid and not AnyGrid.fits(network.model):
        raise ConfigError(f'{candidate.request.model_name} has other positions')
    return runner(network, candidate.any_grid)


def _with_maps(candidate: Survey, maps: Sequence[Tensor]) -> Survey:
    """Adds the order of axes, and the channels of plain networks, which a last layer may change."""
    channels = candidate.levels.channels
    if candidate.plain:
        levels = replace(candidate.levels, channels=(maps[-1].shape[1],) * len(channels))
        return replace(candidate, levels=levels)
    last = all(x.shape[1] != count and x.shape[-1] == count for x, count in zip(maps, channels, strict=True))
    return replace(candidate, channels_last=last)


def _sizes(maps: Sequence[Tensor], found: Survey) -> list[Size]:
    return [(x.shape[1], x.shape[2]) if found.channels_last else (x.shape[2], x.shape[3]) for x in maps]


def _takes_multiples(run: Run, found: Survey, sizes: Sequence[Size], divisor: int) -> bool:
    """Whether maps of a picture whose sides are odd multiples of ``divisor`` are smaller as it is smaller."""
    height, width = (divisor * (-(-length // divisor) | 1) for length in ODD)
    try:
        maps = run(torch.empty(1, 3, height, width))
    except Exception:
        return False
    strides = found.levels.strides[-len(maps) :]
    changes = [
        (now - before) - (length - reference) / stride
        for size, old, stride in zip(_sizes(maps, found), sizes, strides, strict=True)
        for now, before, length, reference in zip(size, old, (height, width), ROUND, strict=True)
    ]
    return all(abs(change) <= 1 for change in changes)


def _of_one_size(start: Survey) -> Survey:
    """The only size that a network takes, and what it makes of it.

    Raises:
        ConfigError: it does not take that either.
    """
    network = create(
        start.request, start.plain, None if start.plain else range(len(start.levels.strides))
    ).eval()
    given = (
        start.request.arguments.get('img_size')
        or (network.model if start.plain else network).pretrained_cfg['input_size'][-2:]
    )
    size = (given, given) if isinstance(given, int) else (int(given[0]), int(given[1]))
    try:
        maps = network(torch.empty(1, 3, *size))
    except Exception as error:
        raise ConfigError(
            f"The backbone '{start.request.model_name}' does not take pictures of {size[0]} x {size[1]} pixels: "
            f'{error}. Choose another img_size, or another network.'
        ) from error
    logger.warning(
        '%s takes pictures of %d x %d pixels only: others are resized to that size, and its maps back. To train '
        'without resizing set backbone.img_size to the crop size, and test by windows of that size '
        "(model.test_cfg.mode='slide').",
        start.request.model_name, *size,
    )  # fmt: skip
    return replace(_with_maps(start, maps), fixed_size=size, exact=False)
