"""The order of an encoder's layers, for learning rates that fall towards the input.

Encoders tell it as networks of timm do, by a ``group_matcher``: patterns of names for the stem and for the blocks.
"""

from typing import Any

from torch import nn

from mmseg.errors import ConfigError


def layer_scales(network: Any, decay: float) -> dict[str, float]:
    """Factor of the learning rate of each parameter: ``decay`` to the power of the number of layers above its own.

    The topmost layer has 1. This is what timm calls layer decay (Clark et al., ICLR 2020, arXiv:2003.10555, for
    ELECTRA; BEiT: Bao et al., ICLR 2022, arXiv:2106.08254).

    Args:
        network: with a ``group_matcher``.
        decay: factor from layer to layer.

    Returns:
        By parameter name.

    Raises:
        ConfigError: the network does not tell its order.
    """
    if not hasattr(network, 'group_matcher'):
        raise ConfigError(
            f'optimizer.paramwise_cfg.layer_decay is {decay}, but {type(network).__name__} does not tell the order of '
            'its layers: expected a method group_matcher as networks of timm have it. Leave layer_decay out.'
        )
    from timm.models import group_parameters

    numbers: dict[str, int] = group_parameters(network, network.group_matcher(coarse=False), reverse=True)
    top = max(numbers.values())
    return {name: float(decay ** (top - number)) for name, number in numbers.items()}


class Ordered(nn.Module):
    """An encoder whose own parameters are ordered by its ``group_matcher``."""

    def layer_scales(self, decay: float) -> dict[str, float]:
        """See :func:`layer_scales`."""
        return layer_scales(self, decay)
