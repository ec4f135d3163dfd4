"""Gradient accumulation: an encoder sees the images of a step in portions, and its gradient is the sum of theirs.

Methods, losses and heads see the whole batch, so nothing about a step changes: classes to paste, weights of
pseudo-labels, means over pixels are those of all images. Only the encoder, where memory goes, runs portion by portion;
of each one its maps are kept, and the backward pass runs the portion again. Random numbers are drawn for all images
(:mod:`mmseg.models.global_batch`), so the result is that of the whole batch, up to the rounding of sums.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from mmseg.errors import ConfigError
from mmseg.models.activation_checkpointing import EachTime
from mmseg.models.global_batch import portion, share_batch


def accumulate(backbone: nn.Module, portions: int) -> None:
    """Let an encoder see its images in portions while it is trained; keys of the state dict stay.

    Args:
        backbone: images (B, 3, H, W) -> maps (B, C, h, w); changed in place.
        portions: at least 2; a batch with fewer images has as many portions as images.

    Raises:
        ConfigError: it has batch norms, whose statistics would be those of a portion.
    """
    norm = next((name for name, child in backbone.named_modules() if isinstance(child, _BatchNorm)), None)
    if norm is not None:
        raise ConfigError(
            f'gradient_accumulation is {portions}, but the encoder {type(backbone).__name__} has batch norms ({norm}), '
            'whose statistics would be those of a portion of the images. Use activation_checkpointing=True, or an '
            'encoder without batch norms (MiT, ConvNeXt, Swin, ViT).'
        )
    share_batch(backbone)
    backbone.__class__ = _accumulating(type(backbone), portions)


def _accumulating(kind: type[nn.Module], portions: int) -> type[nn.Module]:
    def forward(self: Any, img: Tensor) -> Any:
        run = partial(kind.forward, self)
        if not (self.training and torch.is_grad_enabled()) or len(img) < 2:
            return run(img)
        return in_portions(run, img, portions)

    return type(f'Accumulating{kind.__name__}', (kind,), {'forward': forward})


def in_portions(run: Any, img: Tensor, portions: int) -> list[Tensor]:
    """Maps of images, a portion after the other; each draws the random numbers that the whole batch draws."""
    state = _random_state(img.device)
    found: list[Sequence[Tensor]] = []
    start = 0
    for part in img.chunk(portions):
        _set_random_state(img.device, state)
        contexts = partial(_contexts, start, len(img))
        found.append(checkpoint(run, part, use_reentrant=False, context_fn=contexts))
        start += len(part)
    return [torch.cat(maps) for maps in zip(*found, strict=True)]


def _contexts(start: int, count: int) -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    return portion(start, count), EachTime(partial(portion, start, count))


def _random_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == 'cuda' else torch.get_rng_state()


def _set_random_state(device: torch.device, state: Tensor) -> None:
    if device.type == 'cuda':
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
