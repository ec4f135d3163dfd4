"""Low-rank adapters: a pretrained network stays as it is, a product of two thin matrices is learned beside its weights.

LoRA (Hu et al., ICLR 2022, arXiv:2106.09685): ``W + alpha / rank * B A``, A drawn, B zero at the start. The sum is made
where the weight is used (torch's parametrizations), which also works for networks of timm that take the weight of a
layer instead of calling the layer.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from mmseg.errors import ConfigError
from mmseg.options import AtLeastOne, NoOptions, Positive

TARGETS = ('qkv', 'q', 'kv', 'q_proj', 'k_proj', 'v_proj')
"""Last names of the layers that make queries, keys and values in timm's transformers."""
_ORIGINAL = '.parametrizations.weight.original'
_ADDED = '.parametrizations.weight.0.'


class LowRank(nn.Module):
    """Adds ``scale * up @ down`` to a matrix.

    Args:
        rows, columns: of the matrix.
        rank: of what is added.
        alpha: ``scale`` is ``alpha / rank``.
    """

    def __init__(self, rows: int, columns: int, rank: int, alpha: float) -> None:
        super().__init__()
        self.scale = alpha / rank
        self.down = nn.Parameter(torch.empty(rank, columns))
        self.up = nn.Parameter(torch.zeros(rows, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, weight: Tensor) -> Tensor:
        """(rows, columns) -> (rows, columns)."""
        return weight + self.scale * (self.up @ self.down)


@dataclass(frozen=True)
class LowRankOptions(NoOptions):
    """Options of :func:`add_low_rank`.

    Attributes:
        rank: of the adapters.
        alpha: see :class:`LowRank`; None: twice the rank.
        targets: last part of the names of the layers, or more of it ('mlp.fc1').
    """

    rank: AtLeastOne
    alpha: Positive | None = None
    targets: Sequence[str] = TARGETS


def add_low_rank(network: nn.Module, options: LowRankOptions) -> None:
    """Freeze a network and put adapters beside the weights of linear layers, in place.

    Raises:
        ConfigError: no linear layer has such a name.
    """
    rank, targets = options.rank, options.targets
    layers = {name: module for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    chosen = [
        layer for name, layer in layers.items() if any(f'.{name}'.endswith(f'.{end}') for end in targets)
    ]
    if not chosen:
        known = sorted({name.rpartition('.')[2] for name in layers})
        raise ConfigError(
            f'backbone.low_rank.targets is {list(targets)}; no linear layer of the encoder has such a name. Its linear '
            f'layers are called {", ".join(known) or "nothing, since it has none"}.'
        )
    network.requires_grad_(False)
    for layer in chosen:
        rows, columns = layer.weight.shape
        adapter = LowRank(rows, columns, rank, 2 * rank if options.alpha is None else options.alpha)
        parametrize.register_parametrization(layer, 'weight', adapter.to(layer.weight.device))


def plain_name(name: str) -> str:
    """The name of the weight that a parameter of an adapted layer belongs to; other names as they are."""
    return re.sub(r'\.parametrizations\.weight\.(original|0\.\w+)$', '.weight', name)


def plain_keys(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Entries of a state dict by the keys they would have without adapters; those of adapters are left out."""
    return {key.replace(_ORIGINAL, '.weight'): value for key, value in state.items() if _ADDED not in key}


def folded(network: nn.Module) -> nn.Module:
    """The network with its adapters added to its weights for good, in place: keys and speed are those without them."""
    for module in network.modules():
        layer: Any = module
        if parametrize.is_parametrized(layer, 'weight') and isinstance(
            layer.parametrizations.weight[0], LowRank
        ):
            parametrize.remove_parametrizations(layer, 'weight', leave_parametrized=True)
    return network
