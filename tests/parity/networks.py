"""Networks of stored cases: built, silenced, filled."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from mmseg.registry import MODELS
from tests.dropout import zero_dropout
from tests.parity.recipe import fill_module

# tests/parity/cases/README.md#tolerances.
STD_TOLERANCE = 1e-4
RTOL = 1e-4


def filled(cfg: Mapping[str, Any], salt: str = '') -> nn.Module:
    """The network of a config in eval mode, dropout off, filled by the recipe under its own keys."""
    network = MODELS.build(dict(cfg))
    zero_dropout(network)
    return fill_module(network, salt).eval()
