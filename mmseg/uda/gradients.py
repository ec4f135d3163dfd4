"""How large the gradients of a network are, for the option ``uda.print_grad_magnitude``."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

SCALE = 1024.0
"""Power of two that losses are multiplied with and norms divided by, so that fp16 keeps small gradients."""


def gradient_norm(losses: Iterable[Tensor], network: nn.Module) -> Tensor:
    """L2 norm of the gradient of the sum of ``losses`` over all trained parameters of ``network``, a scalar.

    The parameters' ``grad`` stays as it is, and the graph is kept.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    total = torch.stack([loss.mean() for loss in losses]).sum()
    gradients = torch.autograd.grad(SCALE * total, parameters, retain_graph=True, materialize_grads=True)
    return torch.stack(torch._foreach_norm(gradients)).norm() / SCALE
