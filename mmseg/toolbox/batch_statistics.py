"""Batch-norm statistics of another domain: AdaBN (Li et al., ICLR workshops 2017, arXiv:1603.04779)."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg.errors import ConfigError, DataError


def trained_batch_norms(network: nn.Module) -> list[_BatchNorm]:
    """Those with running statistics whose weights are not frozen."""
    return [
        module
        for module in network.modules()
        if isinstance(module, _BatchNorm)
        and module.track_running_stats
        and any(parameter.requires_grad for parameter in module.parameters(recurse=False))
    ]


@torch.inference_mode()
def adapt_batch_norms(
    network: nn.Module, batches: Iterable[Tensor], predict: Callable[[Tensor], object]
) -> tuple[int, int]:
    """Replace the running statistics by the plain mean over batches; weights and frozen layers stay as they are.

    Args:
        network: in evaluation mode, and left in it.
        batches: images (B, 3, H, W), normalised; no labels are needed.
        predict: runs the network.

    Returns:
        Number of layers and of batches.

    Raises:
        ConfigError: the network has no such layers.
        DataError: there are no batches.
    """
    layers = trained_batch_norms(network)
    if not layers:
        raise ConfigError(
            'The network has no trained batch norms, so there are no statistics to adapt; expected a convolutional '
            'network with BN.'
        )
    momenta = [layer.momentum for layer in layers]
    count = 0
    try:
        for images in batches:
            if count == 0:
                _start(layers)
            predict(images)
            count += 1
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            layer.eval()
    if count == 0:
        raise DataError('There are no pictures to take statistics from; expected at least one.')
    return len(layers), count


def _start(layers: Iterable[_BatchNorm]) -> None:
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a cumulative mean
        layer.train()
