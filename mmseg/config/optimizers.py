"""The optimisers that a configuration may name."""

import inspect

import torch

OPTIMIZERS = {
    name: kind
    for name, kind in vars(torch.optim).items()
    if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
}
"""Types of ``optimizer``."""
